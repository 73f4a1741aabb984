"""Precision, recall and F1 of predicted pixels, per image and pooled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.mask_values import IGNORE, ON


class PixelCounts(NamedTuple):
    """What became of the pixels of one image.

    An image whose truth and prediction are both empty scores 1 in all three; a ratio that is undefined for another
    reason is 0. Neither case is stated in the paper.

    Attributes:
        true_positive: pixels rightly called text.
        false_positive: pixels wrongly called text.
        false_negative: text pixels that were missed.
    """

    true_positive: int
    false_positive: int
    false_negative: int

    @property
    def mistakes(self) -> int:
        """Pixels called wrongly, either way."""
        return self.false_positive + self.false_negative

    @property
    def precision(self) -> float:
        """Share of the predicted pixels that are text, in [0, 1]."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive, self.mistakes)

    @property
    def recall(self) -> float:
        """Share of the text pixels that were predicted, in [0, 1]."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative, self.mistakes)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, in [0, 1]."""
        return _ratio(2 * self.true_positive, 2 * self.true_positive + self.mistakes, self.mistakes)

    @property
    def iou(self) -> float:
        """Foreground intersection over union, in [0, 1]."""
        return _ratio(self.true_positive, self.true_positive + self.mistakes, self.mistakes)


def count_pixels(predicted: NDArray[Any], truth: NDArray[Any], valid: NDArray[Any] | None = None) -> PixelCounts:
    """Return the counts of one image.

    Args:
        predicted: (H, W) bool, or integers that are 0 where there is no text.
        truth: the same shape and kinds.
        valid: the same, 0 where a pixel is to be ignored; None counts all.

    Raises:
        ValueError: when shapes differ, or for probabilities that were not compared with a threshold.
    """
    on, truth_on = _as_bool("predicted", predicted, predicted.shape), _as_bool("truth", truth, predicted.shape)
    if valid is not None:
        counted = _as_bool("valid", valid, predicted.shape)
        on, truth_on = on & counted, truth_on & counted
    hit = int(np.count_nonzero(on & truth_on))
    return PixelCounts(hit, int(np.count_nonzero(on)) - hit, int(np.count_nonzero(truth_on)) - hit)


def split_truth(mask: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where a true mask says text and where it says anything at all, both (H, W) bool.

    Args:
        mask: (H, W) uint8; 255 = text, 0 = not, 128 = ignore.

    Raises:
        ValueError: the mask holds other values, such as a soft mask's or 0 and 1.
    """
    on, valid = mask == ON, mask != IGNORE
    strange = mask[valid & ~on & (mask != 0)]
    if strange.size:
        raise ValueError(f"a true mask must hold 255 (text), 0 (not) and 128 (ignore) only, got {int(strange[0])}")
    return on, valid


@dataclass
class PixelScore:
    """Counts pixels and adds up the scores of images; shards merge to the same figures as one run.

    `f1` is the paper's: the mean of the images' F1. Later work pools all pixels (`pooled_*`) or takes F1 of the mean
    precision and mean recall (`f1_of_means`). For images without text see `PixelCounts`.

    Attributes:
        precisions: one figure per image.
        recalls: one figure per image.
        f1s: one figure per image; paired tests and the F1 Top-1 rate (Eq. 6) need them.
        true_positive: pixels rightly called text, over all images.
        false_positive: pixels wrongly called text.
        false_negative: text pixels that were missed.
    """

    precisions: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    f1s: list[float] = field(default_factory=list)
    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0

    @classmethod
    def of(cls, images: Iterable[PixelCounts]) -> PixelScore:
        """Return the score of images that were counted before."""
        score = cls()
        for counts in images:
            score.add_counts(counts)
        return score

    def add(self, predicted: NDArray[Any], truth: NDArray[Any], valid: NDArray[Any] | None = None) -> None:
        """Count one image, see `count_pixels`."""
        self.add_counts(count_pixels(predicted, truth, valid))

    def add_counts(self, counts: PixelCounts) -> None:
        """Add one image that was counted before."""
        self.precisions.append(counts.precision)
        self.recalls.append(counts.recall)
        self.f1s.append(counts.f1)
        self.true_positive += counts.true_positive
        self.false_positive += counts.false_positive
        self.false_negative += counts.false_negative

    def merge(self, other: PixelScore) -> None:
        """Add another shard's images to this score."""
        self.precisions += other.precisions
        self.recalls += other.recalls
        self.f1s += other.f1s
        self.true_positive += other.true_positive
        self.false_positive += other.false_positive
        self.false_negative += other.false_negative

    @property
    def images(self) -> int:
        """The number of images counted."""
        return len(self.f1s)

    @property
    def precision(self) -> float:
        """Mean of the images' precision, in [0, 1]; 0 without images."""
        return _mean(self.precisions)

    @property
    def recall(self) -> float:
        """Mean of the images' recall, in [0, 1]; 0 without images."""
        return _mean(self.recalls)

    @property
    def f1(self) -> float:
        """Mean of the images' F1, the paper's figure, in [0, 1]; 0 without images."""
        return _mean(self.f1s)

    @property
    def f1_of_means(self) -> float:
        """F1 of the mean precision and the mean recall, in [0, 1]."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def pooled_precision(self) -> float:
        """Precision over the pixels of all images, in [0, 1]."""
        return self._pooled.precision

    @property
    def pooled_recall(self) -> float:
        """Recall over the pixels of all images, in [0, 1]."""
        return self._pooled.recall

    @property
    def pooled_f1(self) -> float:
        """F1 over the pixels of all images, in [0, 1]."""
        return self._pooled.f1

    @property
    def pooled_iou(self) -> float:
        """Foreground intersection over union over the pixels of all images (fgIoU), in [0, 1]."""
        return self._pooled.iou

    @property
    def _pooled(self) -> PixelCounts:
        return PixelCounts(self.true_positive, self.false_positive, self.false_negative)


def _as_bool(name: str, mask: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask.shape != shape or mask.ndim != 2:
        raise ValueError(f"{name} must be (H, W) like the prediction {shape}, got {mask.shape}")
    if mask.dtype.kind == "f":
        raise ValueError(f"{name} must be bool or integer, got {mask.dtype}; compare it with a threshold first")
    return mask.astype(bool)


def _ratio(part: int, whole: int, mistakes: int) -> float:
    """Return part / whole; 0 / 0 is 1 when nothing was mistaken, else 0."""
    return part / whole if whole else float(mistakes == 0)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0

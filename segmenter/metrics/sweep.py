"""Scores of probability maps at every threshold, from one pass over each image."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVELS = 256
"""The thresholds are 0/256, 1/256, ..., 255/256; these and their products with float32 are exact."""


class SweepPoint(NamedTuple):
    """The scores at one threshold, all in [0, 1]; names as in `PixelScore`."""

    threshold: float
    precision: float
    recall: float
    f1: float
    pooled_iou: float


class ThresholdSweep:
    """Adds up the scores of images at `LEVELS` thresholds; at each they are those of `PixelScore` there.

    Memory does not grow with the number of images.
    """

    def __init__(self) -> None:
        self.images = 0
        self._means = np.zeros((3, LEVELS))  # sums of the images' precision, recall and F1
        self._pooled = np.zeros((3, LEVELS), dtype=np.int64)  # true positive, false positive, false negative

    def add(self, probabilities: NDArray[np.float32], truth: NDArray[Any], valid: NDArray[Any] | None = None) -> None:
        """Count one image.

        Args:
            probabilities: (H, W) floats in [0, 1]; a pixel is called text from the threshold on.
            truth: (H, W), not 0 where text is.
            valid: (H, W), 0 where a pixel is to be ignored; None counts all.

        Raises:
            ValueError: the shapes differ, or the probabilities are none.
        """
        if probabilities.ndim != 2 or truth.shape != probabilities.shape:
            raise ValueError(f"truth must be (H, W) like the probabilities {probabilities.shape}, got {truth.shape}")
        if valid is not None and valid.shape != probabilities.shape:
            raise ValueError(f"valid must be (H, W) like the probabilities {probabilities.shape}, got {valid.shape}")
        counts = _counts(probabilities, truth, valid)
        self._pooled += counts
        self._means += _ratios(counts)[:3]
        self.images += 1

    def merge(self, other: ThresholdSweep) -> None:
        """Add another shard's images."""
        self.images += other.images
        self._means += other._means
        self._pooled += other._pooled

    def points(self) -> list[SweepPoint]:
        """Return the scores at each threshold, in ascending order of thresholds; all 0 without images."""
        means = self._means / max(1, self.images)
        ious = _ratios(self._pooled)[3] * (self.images > 0)
        return [
            SweepPoint(level / LEVELS, *(float(value) for value in (*means[:, level], ious[level])))
            for level in range(LEVELS)
        ]

    def best(self, by: str = "f1") -> SweepPoint:
        """Return the point with the best `f1` or `pooled_iou`; of equally good ones that nearest to 0.5.

        Raises:
            ValueError: `by` is another word.
        """
        if by not in ("f1", "pooled_iou"):
            raise ValueError(f"by must be 'f1' or 'pooled_iou', got {by!r}")
        return max(self.points(), key=lambda point: (getattr(point, by), -abs(point.threshold - 0.5)))


def _counts(probabilities: NDArray[np.float32], truth: NDArray[Any], valid: NDArray[Any] | None) -> NDArray[np.int64]:
    """Return true positives, false positives and false negatives, (3, LEVELS), from one histogram of the pixels."""
    levels = np.floor(probabilities * np.float32(LEVELS))
    if not np.all((levels >= 0) & (levels <= LEVELS)):  # also refuses NaN
        raise ValueError("probabilities must lie in [0, 1]")
    bins = np.minimum(levels, LEVELS - 1).astype(np.intp) + LEVELS * truth.astype(bool)
    histogram = np.bincount((bins if valid is None else bins[valid.astype(bool)]).ravel(), minlength=2 * LEVELS)
    false_positive, true_positive = histogram.reshape(2, LEVELS)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return np.stack([true_positive, false_positive, true_positive[0] - true_positive]).astype(np.int64)


def _ratios(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return precision, recall, F1 and intersection over union, (4, LEVELS), under the rules of `PixelCounts`."""
    hit, wrong, missed = counts
    parts = np.stack([hit, hit, 2 * hit, hit])
    wholes = np.stack([hit + wrong, hit + missed, 2 * hit + wrong + missed, hit + wrong + missed])
    undefined = np.broadcast_to((wrong + missed == 0).astype(np.float64), parts.shape)
    return np.where(wholes > 0, parts / np.maximum(wholes, 1), undefined)

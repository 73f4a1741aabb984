"""What an evaluation of segmenters found: one segmenter on one target of one dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from segmenter.choices import Pictures
from segmenter.metrics import PixelScore
from segrec.evaluation.mask_scoring import Target, TargetScore
from segrec.evaluation.statistics import Difference

HEIGHTS = {"<16": (0, 16), "16-23": (16, 24), "24-31": (24, 32), "32-47": (32, 48), ">=48": (48, None)}
"""Groups of images by their rows: from the first number up to, not with, the second."""


@dataclass(frozen=True)
class SegmenterResult:
    """One segmenter on one target of one dataset.

    Attributes:
        segmenter, data: the names that they are reported under.
        weights: what the segmenter was loaded from.
        pictures: how the pictures entered the network.
        scales: at which sizes scenes did, such as "auto" or "1,0.5".
        scored: the images that have this target.
        total: images of the dataset, or the first ones that were asked for.
        problems: why images could not be read, one line each; they are not scored.
        top1: share of the images on which this segmenter has the best F1 (Eq. 6); None for a single segmenter.
        difference: mean F1 over that of the first segmenter, on the same images; None for the first.
    """

    segmenter: str
    weights: str
    data: str
    target: Target
    pictures: Pictures
    threshold: float
    scored: TargetScore
    total: int
    problems: Sequence[str]
    top1: float | None = None
    difference: Difference | None = None
    scales: str = "auto"

    def row(self) -> dict[str, Any]:
        """Return the JSON-able row of the report; every figure of quality is in [0, 1]."""
        images, score = self.scored.images, self.scored.score
        row: dict[str, Any] = {
            "segmenter": self.segmenter,
            "data": self.data,
            "target": self.target,
            "images": score.images,
            "without_truth": self.total - len(self.problems) - score.images,
            "skipped": len(self.problems),
            "ignored_pixels": sum(image.ignored for image in images),
            "threshold": self.threshold,
            **figures(score),
            "true_positive": score.true_positive,
            "false_positive": score.false_positive,
            "false_negative": score.false_negative,
            "weights": self.weights,
            "pictures": self.pictures,
            "scales": self.scales,
        }
        if self.top1 is not None:
            gain = self.difference or Difference(0.0, 0.0, 0.0)
            row |= {"f1_top1": self.top1, "f1_top1_images": round(self.top1 * score.images, 6)}
            row |= {"f1_gain": gain.mean, "f1_gain_low": gain.low, "f1_gain_high": gain.high}
        if self.scored.sweep is not None:
            by_f1, by_iou = self.scored.sweep.best("f1"), self.scored.sweep.best("pooled_iou")
            row |= {"best_f1": by_f1.f1, "best_f1_threshold": by_f1.threshold}
            row |= {"best_pooled_iou": by_iou.pooled_iou, "best_pooled_iou_threshold": by_iou.threshold}
        return row


def figures(score: PixelScore) -> dict[str, float]:
    """Return the figures of quality of a score by name, the paper's first; all in [0, 1]."""
    names = ("precision", "recall", "f1", "f1_of_means", "pooled_precision", "pooled_recall", "pooled_f1", "pooled_iou")
    return {name: getattr(score, name) for name in names}


def by_height(result: SegmenterResult) -> dict[str, PixelScore]:
    """Return the score of each group of images in `HEIGHTS`, with no images in it or many."""
    return {
        label: PixelScore.of(
            image.counts
            for image in result.scored.images
            if low <= image.height and (high is None or image.height < high)
        )
        for label, (low, high) in HEIGHTS.items()
    }


def complaint(results: Sequence[SegmenterResult]) -> str | None:
    """Return one line about images that could not be read, or masks that no image had; None where all went well."""
    for result in results:
        if result.problems:
            return (
                f"{len(result.problems)} of {result.total} images of {result.data} cannot be read and are not scored, "
                f"the first: {result.problems[0]}"
            )
        if not result.scored.images:
            return f"none of the {result.total} images of {result.data} has a {result.target} mask to score"
    return None

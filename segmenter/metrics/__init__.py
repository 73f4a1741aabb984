"""Scores of predicted masks: pixels of an image, all thresholds at once, and several methods side by side."""

from __future__ import annotations

from segmenter.metrics.pixels import PixelCounts, PixelScore, count_pixels, split_truth
from segmenter.metrics.sweep import LEVELS, SweepPoint, ThresholdSweep
from segmenter.metrics.top1 import top1_shares

__all__ = [
    "LEVELS",
    "PixelCounts",
    "PixelScore",
    "SweepPoint",
    "ThresholdSweep",
    "count_pixels",
    "split_truth",
    "top1_shares",
]

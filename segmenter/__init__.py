"""Text segmentation: an image in, a pixel-level text mask and a region mask out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segrec.core.lazy import lazy_names

if TYPE_CHECKING:
    from segmenter.choices import PRESETS
    from segmenter.interface import Outputs
    from segmenter.loading import load_segmenter, save_segmenter
    from segmenter.losses import semi_supervised_loss, soft_iou_loss, subset_loss
    from segmenter.metrics import PixelScore, ThresholdSweep, top1_shares
    from segmenter.network import MutuallyGuidedNet
    from segmenter.predictor import Masks, TorchSegmenter
    from segmenter.training import SegmentationBatch, segmentation_loss

_HOMES = {
    "MutuallyGuidedNet": "network",
    "Outputs": "interface",
    "PRESETS": "choices",
    "semi_supervised_loss": "losses",
    "soft_iou_loss": "losses",
    "subset_loss": "losses",
    "PixelScore": "metrics",
    "ThresholdSweep": "metrics",
    "top1_shares": "metrics",
    "Masks": "predictor",
    "TorchSegmenter": "predictor",
    "SegmentationBatch": "training",
    "segmentation_loss": "training",
    "load_segmenter": "loading",
    "save_segmenter": "loading",
}

__all__ = [
    "PRESETS",
    "Masks",
    "MutuallyGuidedNet",
    "Outputs",
    "PixelScore",
    "SegmentationBatch",
    "ThresholdSweep",
    "TorchSegmenter",
    "load_segmenter",
    "save_segmenter",
    "segmentation_loss",
    "semi_supervised_loss",
    "soft_iou_loss",
    "subset_loss",
    "top1_shares",
]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)

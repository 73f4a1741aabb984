"""DeepLab-v3: L.-C. Chen et al., arXiv 1706.05587, as torchvision builds it on ResNet-50."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from segmenter.baselines.base import SKIPPED, Baseline, convolution
from segmenter.baselines.resnet import MISSING_TORCHVISION, ResNet
from segrec.core.packages import package

RATES = (12, 24, 36)
"""Rates of the atrous pyramid at 1/8 of the size."""


class DeepLabV3(Baseline):
    """ResNet-50 at 1/8 of the size, the atrous spatial pyramid, and one enlargement of the logits.

    The pyramid normalises one value a picture and channel, so batches for training must have two pictures or more.
    """

    architecture = "deeplab-v3"
    stride = 8
    lowest = 32

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        width = self.width
        self.encoder = ResNet(50, width=width, in_channels=self.in_channels, dilated=True)
        self.pyramid = _pyramid(32 * width, 4 * width)
        self.head = nn.Sequential(*convolution(4 * width, 4 * width), nn.Conv2d(4 * width, 1, 1))

    def encode(self, images: Tensor) -> tuple[Tensor, SKIPPED]:
        """Return the fourth stage's maps and nothing beside."""
        return self.encoder(images)[-1], []

    def decode(self, lowest: Tensor, skipped: SKIPPED) -> Tensor:
        """Return the text logits."""
        logits: Tensor = self.head(self.pyramid(lowest))
        return logits


def _pyramid(before: int, after: int) -> nn.Module:
    """Return torchvision's atrous spatial pyramid.

    Raises:
        LibraryError: torchvision is missing or does not start.
    """
    torchvision = package("torchvision.models.segmentation.deeplabv3", MISSING_TORCHVISION)
    pyramid: nn.Module = torchvision.ASPP(before, list(RATES), after)
    return pyramid

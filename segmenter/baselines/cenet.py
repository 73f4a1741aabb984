"""CENet: Z. Gu et al., IEEE TMI 2019, Fig. 2 to 5; where the article is silent, as the authors released it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.baselines.base import SKIPPED, Baseline, convolution, doubled, enlarged
from segmenter.baselines.resnet import ResNet

POOLS = (2, 3, 5, 6)
"""Sides of the pools of the residual multi-kernel pooling."""


class CENet(Baseline):
    """ResNet-34, dense atrous convolution, residual multi-kernel pooling, and a decoder to which skips are added."""

    architecture = "cenet"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        width = self.width
        self.encoder = ResNet(34, width=width, in_channels=self.in_channels)
        self.atrous = DenseAtrousConvolution(8 * width)
        self.pooling = ResidualMultiKernelPooling(8 * width)
        widths = (8 * width + len(POOLS), 4 * width, 2 * width, width, width)
        self.up = nn.ModuleList(decoder_block(*pair) for pair in pairwise(widths))
        half = max(1, width // 2)
        self.last = nn.Sequential(*doubled(width, half, 4), *convolution(half, half))
        self.head = nn.Conv2d(half, 1, 3, padding=1)

    def encode(self, images: Tensor) -> tuple[Tensor, SKIPPED]:
        """Return the fourth stage's maps after dense atrous convolution, and those of the three stages before."""
        *skipped, lowest = self.encoder(images)
        return self.atrous(lowest), skipped

    def decode(self, lowest: Tensor, skipped: SKIPPED) -> Tensor:
        """Return the text logits."""
        maps = self.pooling(lowest)
        for block, skip in zip(list(self.up)[:-1], reversed(skipped), strict=True):
            maps = block(maps) + skip
        text: Tensor = self.head(self.last(self.up[-1](maps)))
        return text


class DenseAtrousConvolution(nn.Module):
    """Fig. 3: four cascades of convolutions of rates 1, 3 and 5, of which fields of 3, 7, 9 and 19 pixels are added.

    The cascades share their layers, as in the authors' release.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rate1, self.rate3, self.rate5 = (
            nn.Conv2d(channels, channels, 3, padding=rate, dilation=rate) for rate in (1, 3, 5)
        )
        self.point = nn.Conv2d(channels, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape."""
        near = self.rate1(maps)
        middle = self.rate3(near)
        cascades = (near, self.point(self.rate3(maps)), self.point(middle), self.point(self.rate5(middle)))
        return maps + torch.stack([F.relu(cascade) for cascade in cascades]).sum(0)


class ResidualMultiKernelPooling(nn.Module):
    """Fig. 4: what four pools see, one channel each, beside the maps.

    A pool larger than the maps, as of word crops, takes all of them.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.point = nn.Conv2d(channels, 1, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (N, channels + 4, H, W) from (N, channels, H, W)."""
        kernels = [(min(side, maps.shape[2]), min(side, maps.shape[3])) for side in POOLS]
        return torch.cat([*(enlarged(self.point(F.max_pool2d(maps, side)), maps) for side in kernels), maps], dim=1)


def decoder_block(before: int, after: int) -> nn.Sequential:
    """Return Fig. 5: 1x1 to a quarter of the channels, 3x3 transposed to twice the size, 1x1 to the wanted ones."""
    quarter = max(1, before // 4)
    return nn.Sequential(
        *convolution(before, quarter, 1), *doubled(quarter, quarter, 3), *convolution(quarter, after, 1)
    )

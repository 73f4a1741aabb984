"""SMANet: S. Bonechi et al., Pattern Recognition Letters 2020 (arXiv 1911.09026)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.baselines.base import SKIPPED, Baseline, convolution, doubled, enlarged
from segmenter.baselines.resnet import ResNet

GRIDS = (1, 2, 3, 6)
"""Cells a side of the pooled maps that an attention module looks at; those of PSPNet, on which SMANet builds."""


class SMANet(Baseline):
    """A dilated ResNet-50, multi-scale attention on its maps, and two decoder levels with attention on the skip.

    The authors released data and no code. From the article are the residual encoder at 1/8 of the size, the attention
    over several scales and the decoder of two levels; the grids and numbers of channels are ours.
    """

    architecture = "smanet"
    stride = 8
    lowest = 32

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        width = self.width
        self.encoder = ResNet(50, width=width, in_channels=self.in_channels, dilated=True)
        self.reduced = nn.Sequential(*convolution(32 * width, 8 * width, 1))
        self.attention = MultiScaleAttention(8 * width)
        self.up = nn.Sequential(*doubled(8 * width, 4 * width, 4))
        self.skip_attention = MultiScaleAttention(4 * width)
        self.joined = nn.Sequential(*convolution(8 * width, 2 * width))
        self.last = nn.Sequential(*doubled(2 * width, width, 4), *convolution(width, width))
        self.head = nn.Conv2d(width, 1, 1)

    def encode(self, images: Tensor) -> tuple[Tensor, SKIPPED]:
        """Return the fourth stage's maps and, at 1/4 of the size, the first's."""
        maps = self.encoder(images)
        return maps[-1], maps[:1]

    def decode(self, lowest: Tensor, skipped: SKIPPED) -> Tensor:
        """Return the text logits."""
        maps = self.up(self.attention(self.reduced(lowest)))
        maps = self.joined(torch.cat([maps, self.skip_attention(skipped[0])], dim=1))
        logits: Tensor = self.head(self.last(maps))
        return logits


class MultiScaleAttention(nn.Module):
    """Weighs maps by what is seen of them on several grids: `maps * sigmoid(attention) + maps`.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        quarter = max(1, channels // 4)
        self.points = nn.ModuleList(nn.Conv2d(channels, quarter, 1) for _ in GRIDS)
        joined = channels + quarter * len(GRIDS)
        self.weights = nn.Sequential(*convolution(joined, quarter), nn.Conv2d(quarter, channels, 1), nn.Sigmoid())

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape."""
        seen = [
            enlarged(F.relu(point(F.adaptive_avg_pool2d(maps, grid))), maps)
            for point, grid in zip(self.points, GRIDS, strict=True)
        ]
        weighted: Tensor = maps * self.weights(torch.cat([maps, *seen], dim=1)) + maps
        return weighted

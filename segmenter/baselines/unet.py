"""U-Net: O. Ronneberger, P. Fischer and T. Brox, MICCAI 2015, Fig. 1."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from segmenter.baselines.base import SKIPPED, Baseline, convolution


class UNet(Baseline):
    """Five blocks of two 3x3 convolutions down, four up, with the maps of each size handed across.

    Two things are not the article's: convolutions are padded, so that a mask has its picture's size, and each has a
    BatchNorm, as all networks here do that are trained from scratch by one schedule.
    """

    architecture = "unet"
    stride = 16
    lowest = 16

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        widths = [self.width * 2**depth for depth in range(5)]
        self.pool = nn.MaxPool2d(2)
        self.down = nn.ModuleList(_block(*pair) for pair in pairwise([self.in_channels, *widths]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(low, high, 2, stride=2) for low, high in pairwise(widths[::-1]))
        self.joined = nn.ModuleList(_block(low, high) for low, high in pairwise(widths[::-1]))
        self.head = nn.Conv2d(self.width, 1, 1)

    def encode(self, images: Tensor) -> tuple[Tensor, SKIPPED]:
        """Return the fifth block's maps and those of the four before."""
        maps = [self.down[0](images)]
        for block in list(self.down)[1:]:
            maps.append(block(self.pool(maps[-1])))
        return maps[-1], maps[:-1]

    def decode(self, lowest: Tensor, skipped: SKIPPED) -> Tensor:
        """Return the text logits."""
        maps = lowest
        for up, joined, skip in zip(self.up, self.joined, reversed(skipped), strict=True):
            maps = joined(torch.cat([skip, up(maps)], dim=1))
        text: Tensor = self.head(maps)
        return text


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(*convolution(before, after), *convolution(after, after))

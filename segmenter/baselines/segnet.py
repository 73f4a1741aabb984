"""SegNet: V. Badrinarayanan, A. Kendall and R. Cipolla, IEEE TPAMI 2017, Fig. 2 and Section 3."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from segmenter.baselines.base import SKIPPED, Baseline, convolution

ENCODER = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))
"""Channels, in widths, of the 13 convolutions of VGG16 by block; a pool of 2x2 follows each block."""
DECODER = ((8, 8, 8), (8, 8, 4), (4, 4, 2), (2, 1), (1,))
"""Those of the decoder: each block has the encoder's in reverse. The thirteenth, to the classes, is the head."""


class SegNet(Baseline):
    """VGG16's convolutions and their mirror image, which puts each value back where the pool had taken it from."""

    architecture = "segnet"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
        self.down = nn.ModuleList(self._blocks(self.in_channels, ENCODER))
        self.up = nn.ModuleList(self._blocks(8 * self.width, DECODER))
        self.head = nn.Conv2d(self.width, 1, 3, padding=1)

    def encode(self, images: Tensor) -> tuple[Tensor, SKIPPED]:
        """Return the last pooled maps and the places from which each pool took its values."""
        maps, places = images, []
        for block in self.down:
            maps, indices = self.pool(block(maps))
            places.append(indices)
        return maps, places

    def decode(self, lowest: Tensor, skipped: SKIPPED) -> Tensor:
        """Return the text logits."""
        maps = lowest
        for block, indices in zip(self.up, reversed(skipped), strict=True):
            maps = block(self.unpool(maps, indices))
        text: Tensor = self.head(maps)
        return text

    def _blocks(self, before: int, table: tuple[tuple[int, ...], ...]) -> list[nn.Sequential]:
        blocks = []
        for row in table:
            channels = [before, *(self.width * number for number in row)]
            blocks.append(nn.Sequential(*(layer for pair in pairwise(channels) for layer in convolution(*pair))))
            before = channels[-1]
        return blocks

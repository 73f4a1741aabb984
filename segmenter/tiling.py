"""Pictures too large for one run of the network: overlapping windows, and their maps joined without seams."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter.interface import STRIDE

TILE_SIDE = 1024
"""Default: no run of the network sees a side longer than this."""

OVERLAP_SHARE = 8
"""Neighbours share at least one part in this many of the longest tile."""

SMALLEST_TILE = 8 * STRIDE


class Span(NamedTuple):
    """A stretch of one axis, in pixels; both numbers are multiples of 16."""

    start: int
    length: int


def spans(side: int, longest: int = TILE_SIDE) -> list[Span]:
    """Return the stretches that cover one axis: as few as can be, equally long, evenly spread.

    All begin on the grid of the network's coarsest maps, so a pixel is pooled with the same neighbours in a tile as in
    the whole picture. The last one ends at `side` rounded up to a multiple of 16.

    Args:
        side: pixels of the axis, at least 1.
        longest: of one stretch, a multiple of 16 of at least 128; neighbours share at least an eighth of it.
    """
    cells, most = -(-side // STRIDE), longest // STRIDE
    if cells <= most:
        return [Span(0, cells * STRIDE)]
    shared = max(1, most // OVERLAP_SHARE)
    count = -(-(cells - shared) // (most - shared))
    length = -(-(cells + (count - 1) * shared) // count)
    return [Span(place * (cells - length) // (count - 1) * STRIDE, length * STRIDE) for place in range(count)]


def ramps(parts: Sequence[Span]) -> list[NDArray[np.float32]]:
    """Return each stretch's weights, which rise and fall linearly where it meets its neighbours.

    At every pixel of the axis the weights of all stretches sum to 1.
    """
    ends = [part.start + part.length for part in parts]
    raw = []
    for place, (start, length) in enumerate(parts):
        here = np.arange(length) + 0.5
        weight = np.ones(length)
        if place > 0:
            weight = np.minimum(weight, here / (ends[place - 1] - start))
        if place + 1 < len(parts):
            weight = np.minimum(weight, (length - here) / (ends[place] - parts[place + 1].start))
        raw.append(weight)
    total = np.zeros(ends[-1])
    for part, weight in zip(parts, raw, strict=True):
        total[part.start : part.start + part.length] += weight
    return [
        (weight / total[part.start : part.start + part.length]).astype(np.float32)
        for part, weight in zip(parts, raw, strict=True)
    ]


class Mosaic:
    """Maps of one picture, put together from those of its tiles.

    Args:
        size: (height, width) of the picture.
        maps: how many maps a tile has.
        longest: of a tile's sides, see `spans`.
    """

    def __init__(self, size: tuple[int, int], *, maps: int, longest: int = TILE_SIDE) -> None:
        rows, columns = (spans(side, longest) for side in size)
        self.tiles = list(product(rows, columns))
        self._weights = list(product(ramps(rows), ramps(columns)))
        self._canvas = np.zeros((maps, *size), np.float32)

    def add(self, place: int, probabilities: NDArray[np.float32]) -> None:
        """Lay the maps of tile number `place`, (maps, h, w) in [0, 1], on the picture; its padding is cut off."""
        down, across = self.tiles[place]
        target = self._canvas[:, down.start :, across.start :][:, : down.length, : across.length]
        height, width = target.shape[1:]
        for_rows, for_columns = self._weights[place]
        target += probabilities[:, :height, :width] * (for_rows[:height, None] * for_columns[None, :width])

    def result(self) -> NDArray[np.float32]:
        """Return (maps, H, W) float32 in [0, 1], once every tile was added."""
        return np.minimum(self._canvas, 1.0, out=self._canvas)  # the weights sum to 1 but for rounding

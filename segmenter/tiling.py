"""Pictures too large for one run of the network: overlapping windows, and their maps joined without seams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter.choices import TILE_SIDE
from segmenter.preprocess import STRIDE

Maps = NDArray[np.float32]
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


def strips(
    size: tuple[int, int], maps: int, predict: Callable[[Span, list[Span]], Iterable[Maps]], *, longest: int = TILE_SIDE
) -> Iterator[Maps]:
    """Yield the rows of a picture's maps, (maps, h, W) in [0, 1], from its top down, once all tiles there are known.

    Args:
        size: (height, width) of the picture.
        maps: how many maps a tile has.
        predict: gives the maps (maps, h, w) in [0, 1] of the tiles of one row, in order, by their stretch down the
            picture and those across it; padding may be at their right and bottom.
        longest: of a tile's sides, see `spans`.
    """
    rows, columns = (spans(side, longest) for side in size)
    for_columns = ramps(columns)
    begun = np.zeros((maps, 0, size[1]), np.float32)
    for place, (down, for_rows) in enumerate(zip(rows, ramps(rows), strict=True)):
        strip = np.zeros((maps, min(down.length, size[0] - down.start), size[1]), np.float32)
        strip[:, : begun.shape[1]] = begun
        for across, weights, found in zip(columns, for_columns, predict(down, columns), strict=True):
            target = strip[:, :, across.start :][:, :, : across.length]
            height, width = target.shape[1:]
            target += found[:, :height, :width] * (for_rows[:height, None] * weights[None, :width])
        end = rows[place + 1].start if place + 1 < len(rows) else size[0]
        done = strip[:, : end - down.start]
        begun = strip[:, end - down.start :].copy()
        yield np.minimum(done, 1.0, out=done)  # the weights sum to 1 but for rounding

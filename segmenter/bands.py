"""Large photographs from the top down: the levels of each are seen in strips, and joined band by band."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from segmenter.preprocess import is_scene, rescale
from segmenter.pyramid import join_levels
from segrec.core.images import Array, resize

Maps = NDArray[np.float32]
LARGE = 12_000_000
"""Pixels of a picture from which on its maps are never in memory as a whole, and its tiles are at most `LARGE_TILE`."""
LARGE_TILE = 512
BAND = 32
"""Rows that are joined at once."""


def joined_bands(levels: Sequence[tuple[int, Iterator[Maps]]], size: tuple[int, int]) -> Iterator[Maps]:
    """Yield the maps of a picture, (maps, h, W) in [0, 1], from its top down: what `join_levels` makes of all rows.

    Args:
        levels: the height of each, and its maps as `segmenter.tiling.strips` gives them.
        size: (height, width) of the picture, no side smaller than a level's.
    """
    rows = [_Rows(strips, height, size) for height, strips in levels]
    for top in range(0, size[0], BAND):
        bottom = min(top + BAND, size[0])
        parts = [level.between(top, bottom) for level in rows]
        joined = [join_levels(of_map, (bottom - top, size[1]), reuse=True) for of_map in zip(*parts, strict=True)]
        yield np.stack(joined)


def is_large(size: tuple[int, ...], scene_height: int | None) -> bool:
    """Return whether a picture of (height, width) is a scene whose maps are to be had in bands alone."""
    return size[0] * size[1] > LARGE and is_scene((size[0], size[1]), scene_height)


def filled(bands: Iterator[Maps], maps: int, size: tuple[int, ...]) -> Maps:
    """Return bands (maps, h, W) as one array (maps, H, W) of a picture of (height, width)."""
    found, top = np.empty((maps, *size), np.float32), 0
    for band in bands:
        found[:, top : top + band.shape[1]] = band
        top += band.shape[1]
    return found


def rows_at(picture: Array, size: tuple[int, int]) -> Callable[[int, int], Array]:
    """Return what gives the rows of a picture (H, W, 3), from one to before another, at no larger a size.

    They are those of `rescale`, one by one where its sides are whole multiples of the size's; else it makes them all.
    """
    times = picture.shape[0] // size[0]
    if picture.shape[:2] != (size[0] * times, size[1] * times):
        whole = rescale(picture, size)
        return lambda top, bottom: whole[top:bottom]
    return lambda top, bottom: rescale(picture[top * times : bottom * times], (bottom - top, size[1]))


class _Rows:
    """Rows of a level's maps at the size of the picture, resampled as `resize` does; to be asked for from the top down.

    Args:
        strips: give the level's rows.
        height: how many these are.
        size: (height, width) of the picture.
    """

    def __init__(self, strips: Iterator[Maps], height: int, size: tuple[int, int]) -> None:
        self._strips, self._height, self._size = strips, height, size
        self._first, self._waiting = 0, list[Maps]()

    def between(self, top: int, bottom: int) -> Maps:
        """Return the picture's rows from `top` to before `bottom`, (maps, h, W)."""
        places = ((np.arange(top, bottom) + 0.5) * (self._height / self._size[0]) - 0.5).astype(np.float32)
        places = places.clip(0, self._height - 1)
        upper = places.astype(np.intp)
        lower = np.minimum(upper + 1, self._height - 1)
        seen = self._own(int(upper[0]), int(lower[-1]) + 1)
        wide = np.stack([resize(np.ascontiguousarray(rows), (seen.shape[1], self._size[1])) for rows in seen])
        if self._height == self._size[0]:
            return wide[:, : bottom - top]
        share = (places - upper)[:, None]
        first = int(upper[0])
        return np.asarray(wide[:, upper - first] * (1 - share) + wide[:, lower - first] * share)

    def _own(self, top: int, bottom: int) -> Maps:
        """Return the level's own rows, and forget those above."""
        while self._first + sum(strip.shape[1] for strip in self._waiting) < bottom:
            self._waiting.append(next(self._strips))
        while self._first + self._waiting[0].shape[1] <= top:
            self._first += self._waiting.pop(0).shape[1]
        parts, start = [], self._first
        for strip in self._waiting:
            parts.append(strip[:, max(0, top - start) : max(0, bottom - start)])
            start += strip.shape[1]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

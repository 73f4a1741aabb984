"""A text mask that takes the memory of its text, not of its picture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array

Floats = NDArray[np.float32]
SIDE = 512
"""Of a tile, in pixels."""


class TiledMask:
    """A text mask (H, W) float32 in [0, 1], of which only the tiles that something was laid on are kept.

    A window of it is read as that of an array, `mask[top:bottom, left:right]`.

    Args:
        size: (height, width).
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.shape = size
        self._tiles: dict[tuple[int, int], Floats] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of the tiles."""
        return sum(tile.nbytes for tile in self._tiles.values())

    def lay(self, rows: slice, columns: slice, values: Floats) -> None:
        """Lay values (h, w) in [0, 1] on a window, where the larger value stays."""
        for place, here, there in _shares(rows, columns):
            if values[here].any():
                tile = self._tiles.setdefault(place, np.zeros((SIDE, SIDE), np.float32))
                np.maximum(tile[there], values[here], out=tile[there])

    def levels(self) -> Array:
        """Return the whole mask as (H, W) uint8 levels, 0..255."""
        found = np.zeros(self.shape, np.uint8)
        for (row, column), tile in self._tiles.items():
            place = found[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
            place[:] = (tile[: place.shape[0], : place.shape[1]] * 255).round()
        return found

    def __getitem__(self, window: tuple[slice, slice]) -> Floats:
        """Return the values (h, w) of a window within the mask, a copy."""
        rows, columns = (slice(*part.indices(side)[:2]) for part, side in zip(window, self.shape, strict=True))
        found = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        for place, here, there in _shares(rows, columns):
            if place in self._tiles:
                found[here] = self._tiles[place][there]
        return found


def _shares(rows: slice, columns: slice) -> Iterator[tuple[tuple[int, int], tuple[slice, slice], tuple[slice, slice]]]:
    """Yield the tiles under a window: their place, and what both share, within the window and within the tile."""
    for (row, down, from_top), (column, across, from_left) in product(_along(rows), _along(columns)):
        yield (row, column), (down, across), (from_top, from_left)


def _along(part: slice) -> Iterator[tuple[int, slice, slice]]:
    for number in range(part.start // SIDE, -(-part.stop // SIDE)):
        first, last = max(part.start, number * SIDE), min(part.stop, (number + 1) * SIDE)
        yield number, slice(first - part.start, last - part.start), slice(first - number * SIDE, last - number * SIDE)

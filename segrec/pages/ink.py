"""Where a picture's text is: its ink with the soft edges of strokes, and the groups that it falls into."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv
from segrec.pages.tiled_mask import TiledMask

Mask = NDArray[Any] | TiledMask
"""A text mask (H, W) in [0, 1]."""
SURE, MAYBE = 0.6, 0.15
"""Mask values from which a pixel is text and from which it may be touched by a stroke's soft edge."""
BAR_HEIGHT, BAR_WIDTH = 0.9, 0.12
"""From which and up to which share of a word's height a stroke at its left or right end is the edge of a board."""
TILE = 1024
"""Pixels of a side of what is computed at once."""
_BLOCK = 16
_RIDGE = 3
"""Pixels around a stroke in which its ridge is looked for."""


class Window(NamedTuple):
    """A rectangle of a picture."""

    rows: slice
    columns: slice

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def grown(self, margin: int, size: tuple[int, int]) -> Window:
        """Return the rectangle with a margin, cut off at the edges of a picture of that (height, width)."""
        return Window(*(_grown(part, margin, side) for part, side in zip(self, size, strict=True)))

    def within(self, other: Window) -> Window:
        """Return the rectangle as one of a larger one around it."""
        starts = other.rows.start, other.columns.start
        return Window(*(slice(part.start - start, part.stop - start) for part, start in zip(self, starts, strict=True)))


def tiles(size: tuple[int, int]) -> Iterator[Window]:
    """Yield the tiles that a picture of (height, width) falls into."""
    for top, left in product(range(0, size[0], TILE), range(0, size[1], TILE)):
        yield Window(slice(top, min(top + TILE, size[0])), slice(left, min(left + TILE, size[1])))


def ink(mask: Mask) -> Array:
    """Return (H, W) uint8, 255 where text or its soft edge may be: the mask, grown by a share of its strokes' width."""
    cv2 = opencv()
    size = mask.shape[0], mask.shape[1]
    inside = np.zeros(size, np.uint8)
    for tile in tiles(size):
        inside[tile] = mask[tile] >= MAYBE
    ridges = [_ridge(part) for _, part in groups(inside, apart=2 * _RIDGE, margin=_RIDGE)]
    found = np.zeros(size, np.uint8)
    if not ridges:
        return found
    grown = 1 + round(0.3 * float(np.median(np.concatenate(ridges))))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grown + 1,) * 2)
    for window, part in groups(inside, apart=2 * _RIDGE, margin=grown + 1):
        np.maximum(found[window], cv2.dilate(part * np.uint8(255), kernel), out=found[window])
    return found


def groups(found: Array, *, apart: int, margin: int) -> Iterator[tuple[Window, Array]]:
    """Yield the groups of pixels that are not 0, each as its rectangle and what of the pixels there is of the group.

    Args:
        found: (H, W) uint8.
        apart: pixels this near to each other, along either axis, are of one group; some farther ones may be.
        margin: of the rectangles around their pixels, cut off at the picture's edges.
    """
    cv2 = opencv()
    size = found.shape[0], found.shape[1]
    blocks = _blocks(found)
    reach = -(-apart // _BLOCK)
    side = 2 * (reach // 2) + 1  # blocks whose squares touch are at most one more than this apart, which is enough
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(cv2.dilate(blocks, np.ones((side, side), np.uint8)))
    for number in range(1, count):
        left, top, wide, high = boxes[number, :4].tolist()
        own = blocks[top : top + high, left : left + wide] * (labels[top : top + high, left : left + wide] == number)
        rows, columns = (np.flatnonzero(own.any(axis=axis)) for axis in (1, 0))
        spans = [(top + rows[0], top + rows[-1] + 1), (left + columns[0], left + columns[-1] + 1)]
        box = Window(*(slice(int(first) * _BLOCK, int(last) * _BLOCK) for first, last in spans))
        window = box.grown(margin, size)
        inner = box.grown(0, size)
        part = np.zeros(window.size, np.uint8)
        kept = own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        squares = np.repeat(np.repeat(kept, _BLOCK, axis=0), _BLOCK, axis=1)[: inner.size[0], : inner.size[1]]
        np.multiply(found[inner], squares, out=part[inner.within(window)])
        yield window, part


def without_bars(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a word's mask (h, w) without the edges of the board that it stands on.

    Args:
        mask: (h, w) float32 in [0, 1]; a narrow upright stroke at its left or right end that reaches from the top to
            the bottom is not a letter, which a crop leaves some room.
    """
    cv2 = opencv()
    height, width = mask.shape
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((mask >= MAYBE).astype(np.uint8))
    result = mask
    for number in range(1, count):
        left, _, wide, high, _ = boxes[number].tolist()
        if (left == 0 or left + wide == width) and high >= BAR_HEIGHT * height and wide <= BAR_WIDTH * height:
            result = np.where(labels == number, np.float32(0), result)
    return result


def _ridge(inside: Array) -> NDArray[np.float32]:
    """Return how far from their edges the middles of strokes lie, in pixels."""
    cv2 = opencv()
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    ridge = depth[depth >= 0.7 * cv2.dilate(depth, np.ones((5, 5), np.uint8))]
    return np.asarray(ridge[ridge > 0])


def _blocks(found: Array) -> Array:
    """Return (h, w) uint8, 1 where a square of `_BLOCK` pixels holds one that is not 0."""
    rows, columns = (np.arange(0, side, _BLOCK) for side in found.shape)
    strips = (np.maximum.reduceat(found[top : top + _BLOCK].max(axis=0), columns) for top in rows)
    return np.asarray(np.stack(list(strips)) > 0, np.uint8)


def _grown(part: slice, margin: int, side: int) -> slice:
    return slice(max(0, part.start - margin), min(part.stop + margin, side))

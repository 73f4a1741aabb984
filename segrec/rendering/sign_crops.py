"""What a detector's box shows of a word: tight or loose margins, cut letters, parts of the words around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array
from segrec.rendering.layers import Points, TextLayer, with_sides

Sides = NDArray[np.int_]
"""Pixels at the left, top, right and bottom."""
CUT = 0.25
"""Most share of the letters' height or of a letter's width that a box cuts off."""


class Crop(NamedTuple):
    """A word as a box shows it.

    Attributes:
        layer: the word's own ink and polygon, which lies within the crop.
        ink: (H, W) uint8, all ink in the crop, other words' too.
        foreign: pixels at the left, top, right and bottom where ink is of other words.
    """

    layer: TextLayer
    ink: Array
    foreign: Sides

    def own(self, strokes: Array) -> Array:
        """Return (H, W) strokes with those of other words left out."""
        left, top, right, bottom = (int(side) for side in self.foreign)
        height, width = strokes.shape
        kept = np.zeros_like(strokes)
        inside = (slice(top, height - bottom), slice(left, width - right))
        kept[inside] = strokes[inside]
        return kept


def boxed(layer: TextLayer, rng: np.random.Generator, *, em: float, letters: int) -> TextLayer:
    """Return the layer in a tight, usual or loose box, or in one that cuts its letters on one or two sides.

    Args:
        em: pixels per em.
        letters: how many the word has; a box cuts no more than a quarter of the first and last.
    """
    kind = rng.random()
    least, most = (-0.01, 0.04) if kind < 0.35 else (0.03, 0.22) if kind < 0.82 else (0.2, 0.75)
    sides = np.round(rng.uniform(least, most, size=4) * em).astype(int)
    if rng.random() < 0.14:
        height, width = layer.coverage.shape
        wide = min(0.5 * em, width / max(letters, 1))
        limits = CUT * np.array([wide, min(em, height), wide, min(em, height)])
        for side in rng.choice(4, size=int(rng.integers(1, 3)), replace=False):
            sides[side] = -int(rng.uniform(0.2, 1) * limits[side])
    return framed(layer, sides)


def framed(layer: TextLayer, sides: Sides) -> TextLayer:
    """Return the layer with this many pixels more, or with a negative number fewer, on each side.

    What is cut off the word is cut off its polygon, too.
    """
    cut = with_sides(layer.coverage, sides.tolist())
    polygon = layer.polygon + sides[:2].astype(np.float32)
    return TextLayer(cut, clipped(polygon, (cut.shape[0], cut.shape[1])))


def clipped(polygon: Points, size: tuple[int, int]) -> Points:
    """Return the (P, 2) polygon cut to a picture of (height, width), edge by edge (Sutherland and Hodgman, 1974)."""
    for axis, limit, sign in ((0, 0, 1), (1, 0, 1), (0, size[1], -1), (1, size[0], -1)):
        inward = sign * (polygon[:, axis] - limit)
        if (inward >= 0).all():
            continue
        points: list[NDArray[np.float32]] = []
        for index, point in enumerate(polygon):
            before, depth = inward[index - 1], inward[index]
            if (before < 0) != (depth < 0):
                points.append(polygon[index - 1] + (point - polygon[index - 1]) * (before / (before - depth)))
            if depth >= 0:
                points.append(point)
        polygon = np.array(points, dtype=np.float32).reshape(-1, 2)
    return polygon


def alone(layer: TextLayer) -> Crop:
    """Return the crop of a word with no other near it."""
    return Crop(layer, layer.coverage, np.zeros(4, dtype=int))


def crowded(layer: TextLayer, neighbours: Sequence[Array], rng: np.random.Generator, *, em: float) -> Crop:
    """Return the crop of a word with a part of one other word at one side for each of `neighbours`, 1 to 4.

    They stand a line's or a word's distance off and are cut by the box; they are in the ink but no part of the word.

    Args:
        neighbours: (h, w) uint8 coverage of whole words.
    """
    order = rng.permutation(np.array([0, 1, 1, 2, 3, 3]))
    sides = list(dict.fromkeys(int(side) for side in order))[: len(neighbours)]
    reach, gaps = np.zeros(4, dtype=int), np.zeros(4, dtype=int)
    for side in sides:
        reach[side] = max(2, round(em * float(rng.uniform(0.06, 0.4))))
        gaps[side] = max(2, round(em * float(rng.uniform(0.12, 0.3) if side % 2 else rng.uniform(0.2, 0.45))))
    wider = framed(layer, reach + gaps)
    ink = wider.coverage.copy()
    for side, neighbour in zip(sides, neighbours, strict=True):
        _add_at_side(ink, neighbour, side, int(reach[side]), rng)
    return Crop(wider, ink, reach + gaps // 2)


def _add_at_side(ink: Array, word: Array, side: int, reach: int, rng: np.random.Generator) -> None:
    """Write the near `reach` rows or columns of a word into the ink at a side; turned, left and right are as top."""
    turned = side % 2 == 0
    field, part = (ink.T, word.T) if turned else (ink, word)
    near = part[-reach:] if side < 2 else part[:reach]
    room = field.shape[1] - near.shape[1]
    first = room // 2 if turned else int(rng.integers(min(0, room), max(0, room) + 1))
    start, stop = max(0, first), min(field.shape[1], first + near.shape[1])
    rows = slice(0, near.shape[0]) if side < 2 else slice(field.shape[0] - near.shape[0], field.shape[0])
    spot = field[rows, start:stop]
    np.maximum(spot, near[:, start - first : stop - first], out=spot)

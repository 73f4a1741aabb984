"""Quadrilaterals of single characters, from where a recognizer wrote them and where the text mask has ink."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognizers.decoding import Places

INK = 0.5
COLUMNS = 48
"""Steps in which borders between characters are looked for."""
WIDTHS = {**dict.fromkeys("iIlj1!.,:;'|", 0.5), **dict.fromkeys("ftr(){}[]", 0.75), **dict.fromkeys("mwMW@%", 1.4)}
"""Widths of characters that are not about as wide as most."""
EVEN, NEAR = 0.5, 0.5
"""What it costs when a character has another width than its share, or its middle lies elsewhere than the recognizer
wrote it, squared and in mean widths, against 1 for a border in the fullest column."""

Floats = NDArray[np.floating[Any]]


def character_quadrangles(places: Places, mask: NDArray[np.float32]) -> Floats:
    """Return (C, 4, 2): x and y in pixels of each character's corners, clockwise from the upper left one.

    A recognizer writes a character some way before or after it stands, most at the ends of a word. So the borders of a
    level text are laid where the mask is emptiest, while widths stay near the usual ones and characters near where they
    were written; the outer ones are those of the ink. Up and down a box reaches over the whole crop. The boxes of a
    network that straightened a bent text lie between the edges that it found, stretched to the ink.

    Args:
        places: of a reading's characters.
        mask: (H, W) in [0, 1], the crop's text mask.
    """
    height, width = mask.shape
    spans = np.array(places.spans, float).reshape(-1, 2)
    if places.edges:
        upper, lower = np.split(np.array(places.edges, float) * (width, height), 2)
        corners = [_along(edge, spans[:, end]) for edge, end in ((upper, 0), (upper, 1), (lower, 1), (lower, 0))]
        boxes = np.stack(corners, axis=1)
        boxes[:, :, 0] = _stretched(boxes[:, :, 0], mask)
        return boxes
    boxes = np.empty((len(spans), 4, 2))
    boxes[:, :, 0] = _parted(places.text, spans * width, mask)[:, [0, 1, 1, 0]]
    boxes[:, :, 1] = 0, 0, height, height
    return boxes


def _along(edge: Floats, shares: Floats) -> Floats:
    """Return the points (C, 2) at shares of the way along control points (K, 2), which stand evenly in the text."""
    steps = np.linspace(0, 1, len(edge))
    return np.stack([np.interp(shares, steps, edge[:, axis]) for axis in (0, 1)], axis=1)


def _stretched(columns: Floats, mask: NDArray[np.float32]) -> Floats:
    """Return columns mapped so that the first and the last are those of the ink; as they are where there is none."""
    inked = _inked(mask)
    if not len(inked) or not columns.size or columns.max() <= columns.min():
        return columns
    first, last = inked[0], inked[-1] + 1
    stretched: Floats = first + (columns - columns.min()) * (last - first) / (columns.max() - columns.min())
    return stretched


def _inked(mask: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.flatnonzero(mask.max(axis=0) >= INK)


def _parted(text: str, spans: Floats, mask: NDArray[np.float32]) -> Floats:
    """Return spans (C, 2) in pixels that meet at the borders of least cost."""
    inked = _inked(mask)
    if len(spans) < 2 or len(inked) < 2 * len(spans):
        return spans
    left, right = float(inked[0]), float(inked[-1] + 1)
    columns = left + np.arange(COLUMNS + 1) * ((right - left) / COLUMNS)
    ink = np.interp(columns, np.arange(mask.shape[1]) + 0.5, mask.sum(axis=0))
    ink /= max(float(ink.max()), 1e-6)
    widths = np.array([WIDTHS.get(character, 1.0) for character in text])
    widths *= len(widths) / widths.sum()
    middles = ((spans[:, 0] + spans[:, 1]) / 2 - left) * (len(spans) / (right - left))
    borders = columns[_cheapest_borders(widths, middles, ink)]
    return np.stack((borders[:-1], borders[1:]), axis=1)


def _cheapest_borders(widths: Floats, middles: Floats, ink: Floats) -> list[int]:
    """Return the numbers of the C + 1 columns where characters meet at least cost, found by dynamic programming.

    A character from column x to column y costs EVEN (y - x - width)^2 + NEAR ((x + y) / 2 - middle)^2 + the ink at y,
    all in mean widths. Multiplied out, that is one term of x, one of y, and a multiple of x y that is the same for all
    characters, so that only the first two change from one to the next.

    Args:
        widths: (C,), that each character should have.
        middles: (C,), where each was written, from the first column.
        ink: (COLUMNS + 1,), in [0, 1].
    """
    places, squares, products = _steps(len(widths))
    linear, centred = (2 * EVEN * widths)[:, None] * places, (NEAR * middles)[:, None] * places
    of_left, of_right = squares + linear - centred, squares - linear - centred + ink  # (C, COLUMNS + 1)
    total, came_from, columns = np.full(COLUMNS + 1, np.inf), [], np.arange(COLUMNS + 1)
    total[0] = 0
    for left, right in zip(of_left, of_right, strict=True):
        costs = products + (total + left)
        came_from.append(costs.argmin(axis=1))
        total = costs[columns, came_from[-1]] + right
    borders = [COLUMNS]
    for origins in reversed(came_from):
        borders.append(int(origins[borders[-1]]))
    return borders[::-1]


@lru_cache(maxsize=64)
def _steps(characters: int) -> tuple[Floats, Floats, Floats]:
    """Return what `_cheapest_borders` needs of so many characters, to be left as it is.

    They are the columns in mean widths, (COLUMNS + 1,), the terms of their squares alone, and those of the products of
    two, (COLUMNS + 1, COLUMNS + 1) by right and left end, infinite where the right one is not farther right.
    """
    places = np.arange(COLUMNS + 1) * (characters / COLUMNS)
    products = np.where(places < places[:, None], (NEAR / 2 - 2 * EVEN) * places * places[:, None], np.inf)
    return places, (EVEN + NEAR / 4) * places**2, products

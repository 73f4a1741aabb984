"""Quadrilaterals of single characters, from where a recognizer wrote them and where the text mask has ink."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

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


class _Line(NamedTuple):
    """What decides where the characters of a level text part, see `_cheapest_borders`, and where the columns are."""

    widths: Floats
    middles: Floats
    ink: Floats
    columns: Floats


def character_quadrangles(written: Sequence[tuple[Places, NDArray[np.float32]]]) -> list[Floats]:
    """Return for each word (C, 4, 2): x and y in pixels of its characters' corners, clockwise from the upper left one.

    A recognizer writes a character some way before or after it stands, most at the ends of a word. So the borders of a
    level text are laid where the mask is emptiest, while widths stay near the usual ones and characters near where they
    were written; the outer ones are those of the ink. Up and down a box reaches over the whole crop. The boxes of a
    network that straightened a bent text lie between the edges that it found, stretched to the ink.

    Args:
        written: places of a reading's characters, and (H, W) in [0, 1], the crop's text mask.
    """
    lines = [None if places.edges else _line(places, mask) for places, mask in written]
    borders = iter(_borders([line for line in lines if line is not None]))
    return [
        _bent(places, mask) if places.edges else _level(places, mask, None if line is None else next(borders))
        for (places, mask), line in zip(written, lines, strict=True)
    ]


def _bent(places: Places, mask: NDArray[np.float32]) -> Floats:
    """Return the quadrangles of a text between two edges."""
    height, width = mask.shape
    upper, lower = np.split(np.array(places.edges, float) * (width, height), 2)
    spans = _spans(places)
    corners = [_along(edge, spans[:, end]) for edge, end in ((upper, 0), (upper, 1), (lower, 1), (lower, 0))]
    boxes = np.stack(corners, axis=1)
    boxes[:, :, 0] = _stretched(boxes[:, :, 0], mask)
    return boxes


def _level(places: Places, mask: NDArray[np.float32], borders: Floats | None) -> Floats:
    """Return the quadrangles of a level text: from border to border (C + 1,), or where the characters were written."""
    height, width = mask.shape
    ends = (_spans(places) * width).T if borders is None else (borders[:-1], borders[1:])
    boxes = np.empty((len(ends[0]), 4, 2))
    boxes[:, [0, 3], 0], boxes[:, [1, 2], 0] = ends[0][:, None], ends[1][:, None]
    boxes[:, :, 1] = 0, 0, height, height
    return boxes


def _spans(places: Places) -> Floats:
    return np.array(places.spans, float).reshape(-1, 2)


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


def _line(places: Places, mask: NDArray[np.float32]) -> _Line | None:
    """Return what parts a level text; None where it has one character, or too few columns with ink."""
    inked, count = _inked(mask), len(places.spans)
    if count < 2 or len(inked) < 2 * count:
        return None
    left, right = float(inked[0]), float(inked[-1] + 1)
    columns = left + np.arange(COLUMNS + 1) * ((right - left) / COLUMNS)
    ink = np.interp(columns, np.arange(mask.shape[1]) + 0.5, mask.sum(axis=0))
    widths = np.array([WIDTHS.get(character, 1.0) for character in places.text])
    spans = _spans(places) * mask.shape[1]
    middles = ((spans[:, 0] + spans[:, 1]) / 2 - left) * (count / (right - left))
    return _Line(widths * (count / widths.sum()), middles, ink / max(float(ink.max()), 1e-6), columns)


def _borders(lines: Sequence[_Line]) -> list[Floats]:
    """Return the borders (C + 1,) of each text in pixels, those of texts with as many characters sought together."""
    found: dict[int, Floats] = {}
    for count in {len(line.widths) for line in lines}:
        chosen = [place for place, line in enumerate(lines) if len(line.widths) == count]
        parts = zip(*(lines[place] for place in chosen), strict=True)
        widths, middles, ink, columns = (np.stack(part) for part in parts)
        borders = np.take_along_axis(columns, _cheapest_borders(widths, middles, ink), axis=1)
        found.update(zip(chosen, borders, strict=True))
    return [found[place] for place in range(len(lines))]


def _cheapest_borders(widths: Floats, middles: Floats, ink: Floats) -> NDArray[np.intp]:
    """Return the numbers of the C + 1 columns, (N, C + 1), where characters meet at least cost: dynamic programming.

    A character from column x to column y costs EVEN (y - x - width)^2 + NEAR ((x + y) / 2 - middle)^2 + the ink at y,
    all in mean widths. Multiplied out, that is one term of x, one of y, and a multiple of x y that is the same for all
    characters, so that only the first two change from one to the next.

    Args:
        widths: (N, C), that each character of N texts should have.
        middles: (N, C), where each was written, from the first column.
        ink: (N, COLUMNS + 1), in [0, 1].
    """
    texts, count = widths.shape
    places, squares, products = _steps(count)
    linear, centred = (2 * EVEN * widths)[:, :, None] * places, (NEAR * middles)[:, :, None] * places
    of_left, of_right = squares + linear - centred, squares - linear - centred + ink[:, None]  # (N, C, COLUMNS + 1)
    total, origins = np.full((texts, COLUMNS + 1), np.inf), []
    total[:, 0] = 0
    for character in range(count):
        costs = products + (total + of_left[:, character])[:, None]  # (N, by right end, by left end)
        origins.append(costs.argmin(axis=2))
        total = np.take_along_axis(costs, origins[-1][:, :, None], axis=2)[:, :, 0] + of_right[:, character]
    borders = np.full((texts, count + 1), COLUMNS)
    for character in reversed(range(count)):
        borders[:, character] = np.take_along_axis(origins[character], borders[:, character + 1, None], axis=1)[:, 0]
    return borders


@lru_cache(maxsize=64)
def _steps(characters: int) -> tuple[Floats, Floats, Floats]:
    """Return what `_cheapest_borders` needs of so many characters, to be left as it is.

    They are the columns in mean widths, (COLUMNS + 1,), the terms of their squares alone, and those of the products of
    two, (COLUMNS + 1, COLUMNS + 1) by right and left end, infinite where the right one is not farther right.
    """
    places = np.arange(COLUMNS + 1) * (characters / COLUMNS)
    products = np.where(places < places[:, None], (NEAR / 2 - 2 * EVEN) * places * places[:, None], np.inf)
    return places, (EVEN + NEAR / 4) * places**2, products

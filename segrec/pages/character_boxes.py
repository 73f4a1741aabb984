"""Quadrilaterals of single characters, from where a recognizer wrote them and where the text mask has ink."""

from __future__ import annotations

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
    spans = _parted(places.text, spans * width, mask)
    rows = np.array([0, 0, height, height], float)
    return np.stack([spans[:, [0, 1, 1, 0]], np.broadcast_to(rows, (len(spans), 4))], axis=2)


def _along(edge: Floats, shares: Floats) -> Floats:
    """Return the points (C, 2) at shares of the way along control points (K, 2), which stand evenly in the text."""
    steps = np.linspace(0, 1, len(edge))
    return np.stack([np.interp(shares, steps, edge[:, axis]) for axis in (0, 1)], axis=1)


def _stretched(columns: Floats, mask: NDArray[np.float32]) -> Floats:
    """Return columns mapped so that the first and the last are those of the ink; as they are where there is none."""
    inked = np.flatnonzero((mask >= INK).any(axis=0))
    if not len(inked) or not columns.size or columns.max() <= columns.min():
        return columns
    first, last = inked[0], inked[-1] + 1
    stretched: Floats = first + (columns - columns.min()) * (last - first) / (columns.max() - columns.min())
    return stretched


def _parted(text: str, spans: Floats, mask: NDArray[np.float32]) -> Floats:
    """Return spans (C, 2) in pixels that meet at the borders of least cost, found by dynamic programming."""
    inked = np.flatnonzero((mask >= INK).any(axis=0))
    if len(spans) < 2 or len(inked) < 2 * len(spans):
        return spans
    left, right = float(inked[0]), float(inked[-1] + 1)
    columns = np.linspace(left, right, COLUMNS + 1)
    ink = np.interp(columns, np.arange(mask.shape[1]) + 0.5, mask.sum(axis=0))
    ink /= max(float(ink.max()), 1e-6)
    widths = np.array([WIDTHS.get(character, 1.0) for character in text])
    widths *= (right - left) / widths.sum()
    mean = (right - left) / len(spans)
    across, middle = columns[None] - columns[:, None], (columns[None] + columns[:, None]) / 2
    total, came_from = np.where(columns == left, 0.0, np.inf), []
    for width, span in zip(widths, spans, strict=True):
        cost = EVEN * ((across - width) / mean) ** 2 + NEAR * ((middle - span.mean()) / mean) ** 2 + ink[None]
        steps = np.where(across > 0, total[:, None] + cost, np.inf)
        came_from.append(steps.argmin(axis=0))
        total = steps.min(axis=0)
    place, borders = COLUMNS, [right]
    for origins in reversed(came_from):
        place = int(origins[place])
        borders.append(float(columns[place]))
    return np.stack([borders[:0:-1], borders[-2::-1]], axis=1)

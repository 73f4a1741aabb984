"""How a binarisation lies in its crop: on the border, in thin lines, in parts that belong to no letter."""

from __future__ import annotations

import numpy as np

from segrec.core.images import opencv
from segrec.data.labelling.binarise import Ink


def border_share(ink: Ink) -> float:
    """Return how much of the crop's outermost pixels is ink, in [0, 1]."""
    return float(np.concatenate([ink[0], ink[-1], ink[1:-1, 0], ink[1:-1, -1]]).mean())


def solidity(ink: Ink) -> float:
    """Return the share of the ink that stays when its edges are taken off, in [0, 1]: low for thin strokes."""
    eroded = opencv().erode(ink.astype(np.uint8), np.ones((3, 3), np.uint8))
    return float(eroded.sum() / max(1, int(ink.sum())))


def fragments(ink: Ink, *, height: float, least: int) -> Ink:
    """Return the specks of ink, and what the upper and lower border cut off from neighbours.

    Args:
        ink: (H, W).
        height: a part at the border that is lower than this share of the crop is cut off.
        least: a part of fewer pixels is a speck.
    """
    count, labels, stats, _ = opencv().connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    top, tall, area = stats[:, 1], stats[:, 3], stats[:, 4]
    at_border = (top == 0) | (top + tall == ink.shape[0])
    loose = (area < least) | (at_border & (tall < height * ink.shape[0]))
    loose[0] = False
    return np.asarray(loose[labels]) if count > 1 else np.zeros_like(ink)

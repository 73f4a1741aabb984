"""Quadrilaterals of words: their corners in order, their size and slope."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]


def clockwise(corners: NDArray[Any]) -> Points:
    """Return four corners (4, 2) clockwise as they are seen, the upper left of the text's level edge first.

    The edges whose direction is nearest to level become the upper and the lower one.
    """
    points = np.asarray(corners, np.float32)
    around = points - points.mean(axis=0)
    points = points[np.argsort(np.arctan2(around[:, 1], around[:, 0]), kind="stable")]  # y grows downwards
    edges = np.roll(points, -1, axis=0) - points
    lengths = np.maximum(np.linalg.norm(edges, axis=1), 1e-6)
    first = int(np.argmax(edges[:, 0] / lengths))  # the edge that runs most to the right is the upper one
    return np.ascontiguousarray(np.roll(points, -first, axis=0))


def height_of(polygon: NDArray[Any]) -> float:
    """Return the mean distance of the upper and the lower edge of an outline (P, 2), in pixels."""
    points = np.asarray(polygon, float)
    half = (len(points) + 1) // 2
    upper, lower = points[:half], points[half:][::-1]
    shared = min(len(upper), len(lower))
    return float(np.linalg.norm(lower[:shared] - upper[:shared], axis=1).mean())

"""Polygons of words: painted as masks, and cut out of their picture, straightened."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv

FARTHEST = 1_000_000
"""Points farther than this from the origin, in pixels, are drawn this far: the rasteriser counts in 32 bits."""

Points = NDArray[np.float32]
MAX_SIDE = 2048
LARGEST = 1e9
"""Coordinates from here on are taken for damage."""


def polygon_mask(polygon: NDArray[Any], size: tuple[int, int]) -> Array:
    """Return the (H, W) uint8 mask, 255 on pixels that the polygon covers or touches.

    Args:
        polygon: (P, 2) outline of (x, y) in pixels, P >= 1; parts outside the mask are cut off.
        size: (height, width).
    """
    canvas = np.zeros(size, dtype=np.uint8)
    fixed = np.round((np.clip(polygon, -FARTHEST, FARTHEST) - 0.5) * 16).astype(np.int32)
    opencv().fillPoly(canvas, [fixed], 255, shift=4)
    return canvas


def cut_region(image: Array, polygon: NDArray[Any]) -> Array | None:
    """Return the straightened crop of one polygon, (h, w, 3) uint8, or None when it is thinner than half a pixel.

    Points go around the word from its upper left corner, clockwise or not, as both are in use: four corners, or
    an upper edge from left to right followed by the lower edge from right to left (Total-Text, CTW1500). Beyond the
    picture its edge is repeated.

    Args:
        image: (H, W, 3) uint8 RGB.
        polygon: (P, 2) x and y in pixels, P >= 4; with an odd P the longer half is the upper edge.

    Raises:
        ValueError: the polygon has another shape, or coordinates that are not finite or beyond a billion.
    """
    points = np.asarray(polygon, dtype=np.float32)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 4:
        raise ValueError(f"a polygon must be (P, 2) with P >= 4, got {points.shape}")
    if not (np.abs(points) < LARGEST).all():
        raise ValueError(f"a polygon must be finite and below {LARGEST:g} pixels, got NaN, infinity or more")
    _, sides, _ = opencv().minAreaRect(points)
    if min(sides) < 0.5:
        return None
    upper, lower = _edges(points)
    height = round(float(np.linalg.norm(lower - upper, axis=1).mean()))
    lengths = np.maximum(_steps(upper), _steps(lower))
    width = round(float(lengths.sum()))
    if height < 1 or width < 1:
        return None
    shrink = min(1.0, MAX_SIDE / max(height, width))
    height, width = max(1, round(height * shrink)), max(1, round(width * shrink))
    return _straighten(image, upper, lower, lengths, (height, width))


def _edges(points: Points) -> tuple[Points, Points]:
    """Return the upper and the lower edge, both from left to right, with the same number of points."""
    half = math.ceil(len(points) / 2)
    upper, lower = points[:half], points[half:][::-1]
    if len(lower) < len(upper):
        lower = _resampled(lower, len(upper)) if len(lower) > 1 else np.repeat(lower, len(upper), axis=0)
    return upper, lower


def _steps(edge: Points) -> NDArray[np.float64]:
    steps: NDArray[np.float64] = np.linalg.norm(np.diff(edge.astype(np.float64), axis=0), axis=1)
    return steps


def _resampled(edge: Points, count: int) -> Points:
    """Return `count` points evenly spaced along a polyline."""
    along = np.concatenate([[0.0], np.cumsum(_steps(edge))])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, edge[:, axis]) for axis in (0, 1)], axis=1).astype(np.float32)


def _straighten(
    image: Array, upper: Points, lower: Points, lengths: NDArray[np.float64], size: tuple[int, int]
) -> Array:
    """Map the strip between two edges to a rectangle, one perspective transform a segment."""
    cv2 = opencv()
    height, width = size
    ends = np.round(np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum() * width).astype(int)
    parts = []
    for segment in range(len(upper) - 1):
        part_width = int(ends[segment + 1] - ends[segment])
        if part_width < 1:
            continue
        corners = np.stack([upper[segment], upper[segment + 1], lower[segment + 1], lower[segment]])
        target = np.array([[0, 0], [part_width, 0], [part_width, height], [0, height]], dtype=np.float32)
        matrix = cv2.getPerspectiveTransform(corners - 0.5, target - 0.5)
        parts.append(
            cv2.warpPerspective(
                image, matrix, (part_width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        )
    return np.asarray(np.concatenate(parts, axis=1), dtype=np.uint8)

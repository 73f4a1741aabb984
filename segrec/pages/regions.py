"""Regions of words as detectors give them, as outlines in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.pages.quadrangles import Points

REACH = 0.05
"""Shares of a side by which normalised coordinates may lie outside the picture."""
SMALLEST_SIDE = 4
"""Pictures with a shorter side may have regions of their own within one pixel, so nothing there is normalised."""


def as_polygons(regions: Sequence[Any] | NDArray[Any], size: tuple[int, int]) -> list[Points]:
    """Return each region's outline, (P, 2) float32 x and y in pixels, P >= 4.

    Understood, each alone or in one array of N:

    - (P, 2) outlines, P >= 4, and (2, 2) opposite corners of a box;
    - 4 numbers: left, top, right, bottom; 5: the same and a score;
    - 8 numbers: x and y of four corners, as in ICDAR's files; 9: the same and a score;
    - 10 and more, an even number: x and y of an outline;
    - docTR's (5, 2): four corners and the row (0, score).

    Where all coordinates of all regions lie in [0, 1], give or take 5%, they are shares of the picture's sides.

    Args:
        regions: one entry a word.
        size: (height, width) of the picture.

    Raises:
        ValueError: a region is nothing of these, is not finite, or is a box whose right or bottom comes first.
    """
    outlines = [_outline(region, number) for number, region in enumerate(regions)]
    if outlines and min(size) >= SMALLEST_SIDE and all(_is_share(outline) for outline in outlines):
        scored = all(len(outline) == 5 and outline[4, 0] == 0 for outline in outlines)
        sides = np.array([size[1], size[0]], np.float32)
        outlines = [(outline[:4] if scored else outline) * sides for outline in outlines]
    return outlines


def _outline(region: Any, number: int) -> Points:
    try:
        with np.errstate(over="ignore"):
            points = np.asarray(region, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{_expected(number)}, got {type(region).__name__}") from error
    if not np.isfinite(points).all():
        raise ValueError(f"polygon {number}: it must be finite, got NaN or infinity")
    if points.shape in ((4,), (5,), (2, 2)):
        return _box(points.reshape(-1)[:4], number)
    if points.ndim == 1 and len(points) in (8, 9):
        return points[:8].reshape(4, 2)
    if points.ndim == 1 and len(points) >= 10 and len(points) % 2 == 0:
        return points.reshape(-1, 2)
    if points.ndim == 2 and points.shape[1] == 2 and len(points) >= 4:
        return points
    single = "; a single polygon is given as [polygon]" if points.shape == (2,) else ""
    raise ValueError(f"{_expected(number)}, got {points.shape}{single}")


def _expected(number: int) -> str:
    return (
        f"polygon {number}: a polygon must be (P, 2) with P >= 4, a box of 4 numbers (left, top, right, bottom), or a "
        "row of 8 numbers"
    )


def _box(sides: Points, number: int) -> Points:
    left, top, right, bottom = sides.tolist()
    if right < left or bottom < top:
        raise ValueError(
            f"polygon {number}: 4 numbers are left, top, right, bottom, got {left:g}, {top:g}, {right:g}, {bottom:g}; "
            "convert x, y, width, height to x, y, x + width, y + height"
        )
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _is_share(outline: Points) -> bool:
    return bool(((outline >= -REACH) & (outline <= 1 + REACH)).all())

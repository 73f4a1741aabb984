"""Polygons painted as masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv

FARTHEST = 1_000_000
"""Points farther than this from the origin, in pixels, are drawn this far: the rasteriser counts in 32 bits."""


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

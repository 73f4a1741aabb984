"""Polygons of words: painted as masks, and cut out of their picture, straightened."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv

FARTHEST = 1_000_000
"""Points farther than this from the origin, in pixels, are drawn this far: the rasteriser counts in 32 bits."""

Points = NDArray[np.float32]
MAX_SIDE = 2048
LARGEST = 1e9
"""Coordinates from here on are taken for damage."""
LAID_AT_ONCE = 1 << 22
"""Pixels of a region's box that are laid on a picture at once."""


class Laid(NamedTuple):
    """Values (h, w) float32 in a window of a picture."""

    rows: slice
    columns: slice
    values: NDArray[np.float32]


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
    strip = _strip(polygon)
    return None if strip is None else strip.cut(image)


def region_points(polygon: NDArray[Any], shares: NDArray[Any]) -> Points:
    """Return where points of a region's straightened crop lie in the picture, x and y in pixels.

    Args:
        polygon: (P, 2) as for `cut_region`, at least half a pixel thick.
        shares: (..., 2) x and y as shares of the crop's width and height.

    Raises:
        ValueError: the polygon has another shape, or is thinner than that.
    """
    strip = _strip(polygon)
    if strip is None:
        raise ValueError("the polygon is thinner than half a pixel; nothing was cut from it")
    return strip.places(np.asarray(shares, np.float32))


def region_size(polygon: NDArray[Any]) -> tuple[int, int]:
    """Return the (height, width) of the crop that `cut_region` gives, (0, 0) where it gives none.

    Args:
        polygon: (P, 2) as for `cut_region`.

    Raises:
        ValueError: as for `cut_region`.
    """
    strip = _strip(polygon)
    return (0, 0) if strip is None else strip.size


def laid_region(mask: NDArray[np.float32], polygon: NDArray[Any], size: tuple[int, int]) -> Iterator[Laid]:
    """Yield the mask of a region's straightened crop where it lies in the picture, in bands of rows.

    Args:
        mask: (h, w) float32 in [0, 1], of the size that `cut_region` gives.
        polygon: (P, 2) as for `cut_region`; one thinner than half a pixel lies nowhere.
        size: (height, width) of the picture.

    Raises:
        ValueError: the polygon or the mask has another shape.
    """
    strip = _strip(polygon)
    if strip is None:
        return
    if mask.shape != strip.size:
        raise ValueError(f"the mask must have its region's size {strip.size}, got {mask.shape}")
    yield from strip.laid(mask, size)


class _Strip(NamedTuple):
    """A region as a strip between two edges of as many points, cut to a rectangle of `size` (height, width)."""

    upper: Points
    lower: Points
    ends: NDArray[np.int64]
    size: tuple[int, int]

    def cut(self, image: Array) -> Array:
        """Return the rectangle, one perspective transform a segment."""
        cv2 = opencv()
        height = self.size[0]
        parts = [
            cv2.warpPerspective(
                image,
                self._matrix(segment, offset=0.5),
                (width, height),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for segment, width in enumerate(np.diff(self.ends).tolist())
            if width >= 1
        ]
        return np.asarray(np.concatenate(parts, axis=1), dtype=np.uint8)

    def laid(self, mask: NDArray[np.float32], size: tuple[int, int]) -> Iterator[Laid]:
        """Yield the mask of the rectangle in a picture of a size, within the region's upright box, in bands of rows."""
        corners = np.concatenate([self.upper, self.lower])
        left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0).tolist()
        right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, size[::-1]).tolist()
        if right <= left or bottom <= top:
            return
        rows = max(1, LAID_AT_ONCE // (right - left))
        for first in range(top, bottom, rows):
            window = slice(first, min(first + rows, bottom)), slice(left, right)
            yield Laid(*window, self._laid_in(*window, mask))

    def _laid_in(self, rows: slice, columns: slice, mask: NDArray[np.float32]) -> Points:
        """Return the mask of the rectangle in a window of the picture."""
        cv2 = opencv()
        size = columns.stop - columns.start, rows.stop - rows.start
        shift = np.array([[1, 0, columns.start], [0, 1, rows.start], [0, 0, 1]], float)
        values = np.zeros(size[::-1], np.float32)
        for segment in np.flatnonzero(np.diff(self.ends) >= 1).tolist():
            part = np.ascontiguousarray(mask[:, self.ends[segment] : self.ends[segment + 1]])
            back = cv2.warpPerspective(
                part,
                self._matrix(segment, offset=0.5) @ shift,
                size,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_CONSTANT,
            )
            np.maximum(values, back, out=values)
        return values

    def places(self, shares: Points) -> Points:
        """Return the picture's points (..., 2) of shares (..., 2) of the rectangle."""
        cv2 = opencv()
        flat = (shares * (self.size[1], self.size[0])).reshape(-1, 2)
        wide = np.flatnonzero(np.diff(self.ends) >= 1)
        chosen = wide[np.clip(np.searchsorted(self.ends[wide], flat[:, 0], side="right") - 1, 0, len(wide) - 1)]
        found = np.empty_like(flat, dtype=np.float32)
        for segment in np.unique(chosen).tolist():
            own = chosen == segment
            local = (flat[own] - (self.ends[segment], 0)).astype(np.float32)
            found[own] = cv2.perspectiveTransform(local[None], np.linalg.inv(self._matrix(segment, offset=0.0)))[0]
        return found.reshape(shares.shape)

    def _matrix(self, segment: int, *, offset: float) -> NDArray[np.float64]:
        """Return the transform of a segment; `offset` is what pixels' centres lie beside their corners."""
        upper, lower, (height, _) = self.upper, self.lower, self.size
        width = int(self.ends[segment + 1] - self.ends[segment])
        corners = np.stack([upper[segment], upper[segment + 1], lower[segment + 1], lower[segment]])
        target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
        return np.asarray(opencv().getPerspectiveTransform(corners - np.float32(offset), target - np.float32(offset)))


def _strip(polygon: NDArray[Any]) -> _Strip | None:
    """Return the strip that a polygon bounds, or None when it is thinner than half a pixel."""
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
    ends = np.round(np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum() * width).astype(np.int64)
    return _Strip(upper, lower, ends, (height, width))


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

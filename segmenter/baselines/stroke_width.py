"""The stroke width transform: B. Epshtein, E. Ofek and Y. Wexler, CVPR 2010, for all edge pixels at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv

CANNY = (60, 180)
"""Thresholds of the edges, on gradients of a 3x3 Sobel operator. Not stated in the article."""
WIDEST = 48
"""Strokes wider than so many pixels are not followed."""
OPPOSITE = np.cos(np.pi / 6)
"""A ray ends at an edge whose gradient is opposite to the first one's within 30 degrees."""


class Rays(NamedTuple):
    """Lines across strokes, from edge to edge.

    Attributes:
        widths: (R,) float32, the length of each in pixels.
        places: (R, K) int32, the pixels on each as places in the flattened picture.
        inside: (R, K) bool, which of them lie on it; the others are beyond its end.
    """

    widths: NDArray[np.float32]
    places: NDArray[np.int32]
    inside: NDArray[np.bool_]


def stroke_widths(grey: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return each pixel's stroke width, of dark strokes on light and of light ones on dark, both (H, W) float32.

    A pixel that no ray crosses has the width 0.

    Args:
        grey: (H, W) uint8.
    """
    cv2 = opencv()
    smooth = cv2.GaussianBlur(grey, (3, 3), 0)
    across, down = (cv2.Sobel(smooth, cv2.CV_16S, *order, ksize=3) for order in ((1, 0), (0, 1)))
    edges = cv2.Canny(across, down, *CANNY) > 0
    gradients = np.stack([down, across], axis=-1).astype(np.float32)  # (H, W, 2) as (row, column)
    gradients /= np.maximum(np.linalg.norm(gradients, axis=-1, keepdims=True), 1)
    dark, light = (_painted(_rays(edges, gradients, sign), grey.shape) for sign in (-1, 1))
    return dark, light


def _rays(edges: NDArray[np.bool_], gradients: NDArray[np.float32], sign: int) -> Rays:
    """Return the rays that start at edge pixels along (1) or against (-1) the gradient and meet an opposite edge."""
    rows, columns = (axis.astype(np.int32) for axis in np.nonzero(edges))
    height, width = edges.shape
    own = gradients[rows, columns]  # (P, 2)
    steps = sign * np.arange(1, WIDEST + 1, dtype=np.float32)
    down, across = (
        np.rint(start[:, None] + own[:, [axis]] * steps).astype(np.int32) for axis, start in enumerate((rows, columns))
    )
    stopped = (down < 0) | (down >= height) | (across < 0) | (across >= width)
    places = np.where(stopped, 0, down * width + across)
    # Edge pixels that face the same way are of the edge at which the ray started, which is a staircase.
    ray, step = np.nonzero(edges.ravel()[places] & ~stopped)
    facing = -(gradients.reshape(-1, 2)[places[ray, step]] * own[ray]).sum(axis=1)
    against = facing > 0
    stopped[ray[against], step[against]] = True
    opposite = np.zeros(stopped.shape, dtype=np.bool_)
    opposite[ray, step] = facing >= OPPOSITE
    last = stopped.argmax(axis=1)
    found = opposite[np.arange(len(last)), last]
    ends = last[found]
    inside = np.arange(WIDEST) <= ends[:, None]
    return Rays((ends + 1).astype(np.float32), places[found], inside)


def _painted(rays: Rays, size: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the least width of the rays through each pixel, limited along each ray to the median of these."""
    painted = np.full(size, np.inf, dtype=np.float32).ravel()
    if len(rays.widths):
        _lower(painted, rays, rays.widths)
        along = np.sort(np.where(rays.inside, painted[rays.places], np.inf), axis=1)
        middle = (rays.inside.sum(axis=1) - 1) // 2
        _lower(painted, rays, along[np.arange(len(middle)), middle])
    painted[np.isinf(painted)] = 0
    return painted.reshape(size)


def _lower(painted: NDArray[np.float32], rays: Rays, widths: NDArray[np.float32]) -> None:
    """Lower each pixel of the rays to the width of the narrowest ray through it, where that is less."""
    order = np.argsort(-widths, kind="stable")  # of values assigned to one place the last stays: the least
    inside = rays.inside[order]
    least = np.full(painted.shape, np.inf, dtype=np.float32)
    least[rays.places[order][inside]] = np.broadcast_to(widths[order, None], inside.shape)[inside]
    np.minimum(painted, least, out=painted)

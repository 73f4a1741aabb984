"""A picture, its text mask and its text outlines bent together by one randomly drawn warp."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter.augment import move_mask
from segmenter.warping import GRID, Perspective, Points, Sinusoid, ThinPlate, Warp, corners_of
from segrec.core.images import Array, opencv

STEEPEST = 0.7
"""Bends by which a pixel's source moves more than this against its neighbour's, a pixel away, are weakened.

Below 1 nothing folds over, and the thin-plate spline can be inverted by iteration.
"""
POINTS_A_SIDE = 8
LONGEST_STEP = 16.0
"""Most pixels between neighbouring points of an outline before it is bent."""
_ROWS_AT_ONCE = 16
_PROBES = 24


class WarpedPicture(NamedTuple):
    """A picture after a warp, of the size it had.

    Attributes:
        image: (H, W, 3) uint8 RGB; outside the source its edge colours go on.
        text: (H, W) uint8 in 255, 0 and 128; 128 outside the source.
        inside: (H, W) bool, pixels that show the source by at least half.
        warp: the bend, which `forward` takes outlines through.
    """

    image: Array
    text: Array
    inside: NDArray[np.bool_]
    warp: Warp


def warp_picture(image: Array, text: Array, warp: Warp) -> WarpedPicture:
    """Return a picture and its text mask after a warp.

    Args:
        image: (H, W, 3) uint8 RGB, sides below 32767 (OpenCV's limit).
        text: (H, W) uint8 in 255, 0 and 128.
        warp: the bend.
    """
    cv2 = opencv()
    columns, rows = _source_maps(image.shape[:2], warp)

    def move(coverage: Array, border: int) -> Array:
        flags = {"interpolation": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_CONSTANT, "borderValue": border}
        return np.asarray(cv2.remap(coverage, columns, rows, **flags))

    bent = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = move_mask(np.zeros_like(text), move) == 0
    return WarpedPicture(np.asarray(bent), move_mask(text, move), inside, warp)


def _source_maps(size: tuple[int, int], warp: Warp) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return x and y of the source of every pixel, (H, W) each, as OpenCV counts: pixel centres at whole numbers."""
    height, width = size
    columns, rows = (np.empty(size, dtype=np.float32) for _ in range(2))
    for first in range(0, height, _ROWS_AT_ONCE):
        y, x = np.mgrid[first : min(first + _ROWS_AT_ONCE, height), 0:width] + 0.5
        source = warp.backward(np.stack([x.ravel(), y.ravel()], axis=1)) - 0.5
        columns[first : first + len(x)] = source[:, 0].reshape(x.shape)
        rows[first : first + len(x)] = source[:, 1].reshape(x.shape)
    return columns, rows


def warp_outlines(outlines: Sequence[NDArray[Any]], warp: Warp) -> list[NDArray[np.float32]]:
    """Return (P, 2) outlines of (x, y) after a warp, with points added first so that their sides can bend."""
    return [warp.forward(densified(outline)).astype(np.float32) for outline in outlines]


def densified(outline: NDArray[Any]) -> Points:
    """Return the same outline with at least `POINTS_A_SIDE` points on each side, corners included, closely spaced."""
    points = outline.astype(np.float64)
    sides = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        steps = max(POINTS_A_SIDE - 1, math.ceil(float(np.linalg.norm(end - start)) / LONGEST_STEP))
        sides.append(start + np.linspace(0, 1, steps, endpoint=False)[:, None] * (end - start))
    return np.concatenate(sides)


def draw_warp(size: tuple[int, int], rng: np.random.Generator) -> Warp:
    """Return a random bend for pictures of (height, width): each kind one time in three.

    The paper says only that pictures are warped at random. A bend that is too steep somewhere is weakened step by step.
    """
    draws = (_draw_thin_plate, _draw_perspective, _draw_sinusoid)
    bend = draws[int(rng.integers(len(draws)))](size, rng)
    strength = 1.0
    while _steepest(bend(strength), size) > STEEPEST:
        strength *= 0.8
    return bend(strength)


def _draw_thin_plate(size: tuple[int, int], rng: np.random.Generator) -> Callable[[float], Warp]:
    reach = 0.35 * np.array(size[::-1]) / (GRID - 1)
    shifts = rng.uniform(-1, 1, (GRID * GRID, 2)) * reach
    return lambda strength: ThinPlate(size, shifts * strength)


def _draw_perspective(size: tuple[int, int], rng: np.random.Generator) -> Callable[[float], Warp]:
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    moves = rng.uniform(-0.05, 0.2, (4, 2)) * inwards * size[::-1]
    return lambda strength: Perspective(size, corners_of(size) + moves * strength)


def _draw_sinusoid(size: tuple[int, int], rng: np.random.Generator) -> Callable[[float], Warp]:
    vertical, horizontal = (side * rng.uniform(0.4, 1.2) for side in size[::-1])
    heights = rng.uniform((0.04, 0.01), (0.1, 0.04)) * (vertical, horizontal)
    phases = rng.uniform(0, 2 * math.pi, 2)

    def bend(strength: float) -> Warp:
        amplitude = (float(heights[0] * strength), float(heights[1] * strength))
        return Sinusoid(amplitude, (float(vertical), float(horizontal)), (float(phases[0]), float(phases[1])))

    return bend


def _steepest(warp: Warp, size: tuple[int, int]) -> float:
    """Return the largest singular value of the change of (source - place), probed on a grid over the picture."""
    rows, columns = np.meshgrid(*(np.linspace(0, side, _PROBES) for side in size), indexing="ij")
    places = np.stack([columns.ravel(), rows.ravel()], axis=1)
    step = 0.5
    slopes = [
        (warp.backward(places + shift) - warp.backward(places - shift)) / (2 * step)
        for shift in (np.array([step, 0.0]), np.array([0.0, step]))
    ]
    change = np.stack(slopes, axis=2) - np.eye(2)
    return float(np.linalg.norm(change, ord=2, axis=(1, 2)).max())

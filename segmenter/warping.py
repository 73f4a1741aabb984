"""Smooth bends of a picture (thin-plate spline, perspective, sinusoid) that move pixels and points alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import opencv

Points = NDArray[np.float64]

GRID = 4
"""Control points per side of the thin-plate spline."""
_CLOSE_ENOUGH, _MOST_ROUNDS = 1e-3, 200


class Warp(Protocol):
    """A bend of the plane; points are (P, 2) float64 of (x, y) in pixels, pixel centres lie at +0.5."""

    kind: ClassVar[str]

    def forward(self, points: Points) -> Points:
        """Return where points of the source picture come to lie."""

    def backward(self, points: Points) -> Points:
        """Return which points of the source picture come to lie at `points`."""

    def parameters(self) -> dict[str, Any]:
        """Return the numbers that define the bend, ready for JSON."""


@dataclass(frozen=True)
class Perspective:
    """The picture's corners moved to four others.

    Attributes:
        size: (height, width) of the picture.
        corners: (4, 2) where the corners come to lie, clockwise from the top left.
    """

    kind: ClassVar[str] = "perspective"
    size: tuple[int, int]
    corners: Points

    def _matrix(self) -> NDArray[np.float64]:
        source = corners_of(self.size).astype(np.float32)
        return np.asarray(opencv().getPerspectiveTransform(source, self.corners.astype(np.float32)), dtype=np.float64)

    def forward(self, points: Points) -> Points:
        """Return the projected points."""
        return _project(points, self._matrix())

    def backward(self, points: Points) -> Points:
        """Return the points that are projected to `points`."""
        return _project(points, np.asarray(np.linalg.inv(self._matrix()), dtype=np.float64))

    def parameters(self) -> dict[str, Any]:
        """Return the moved corners."""
        return {"corners": self.corners.tolist()}


@dataclass(frozen=True)
class Sinusoid:
    """Columns shifted along one wave, then rows along another; each pair is (vertical, horizontal).

    Attributes:
        amplitude: heights of the waves in pixels.
        wavelength: their lengths in pixels, > 0.
        phase: their phases in radians.
    """

    kind: ClassVar[str] = "sinusoid"
    amplitude: tuple[float, float]
    wavelength: tuple[float, float]
    phase: tuple[float, float]

    def _wave(self, which: int, along: NDArray[np.float64]) -> NDArray[np.float64]:
        angle = 2 * math.pi * along / self.wavelength[which] + self.phase[which]
        return np.asarray(self.amplitude[which] * np.sin(angle))

    def forward(self, points: Points) -> Points:
        """Return the shifted points."""
        down = points[:, 1] + self._wave(0, points[:, 0])
        return np.stack([points[:, 0] + self._wave(1, down), down], axis=1)

    def backward(self, points: Points) -> Points:
        """Return the points that are shifted to `points`."""
        across = points[:, 0] - self._wave(1, points[:, 1])
        return np.stack([across, points[:, 1] - self._wave(0, across)], axis=1)

    def parameters(self) -> dict[str, Any]:
        """Return the waves' numbers."""
        return {"amplitude": self.amplitude, "wavelength": self.wavelength, "phase": self.phase}


@dataclass(frozen=True)
class ThinPlate:
    """The spline of least bending whose source lies beside a regular grid of control points by given shifts.

    Source: F. Bookstein, "Principal warps", TPAMI 1989.

    Attributes:
        size: (height, width) of the picture.
        shifts: (GRID * GRID, 2) in pixels, row by row.
    """

    kind: ClassVar[str] = "tps"
    size: tuple[int, int]
    shifts: Points

    def _solve(self) -> tuple[Points, NDArray[np.float64]]:
        """Return the control points in units of the longer side and the weights of kernels, constant, x and y."""
        height, width = self.size
        rows, columns = np.meshgrid(np.linspace(0, height, GRID), np.linspace(0, width, GRID), indexing="ij")
        knots = np.stack([columns.ravel(), rows.ravel()], axis=1) / max(self.size)
        count = len(knots)
        system = np.zeros((count + 3, count + 3))
        system[:count, :count] = _kernel(knots, knots)
        system[:count, count:] = _affine(knots)
        system[count:, :count] = system[:count, count:].T
        return knots, np.linalg.solve(system, np.concatenate([self.shifts, np.zeros((3, 2))]))

    def backward(self, points: Points) -> Points:
        """Return the points that come to lie at `points`."""
        knots, weights = self._solve()
        scaled = points / max(self.size)
        return np.asarray(points + _kernel(scaled, knots) @ weights[:-3] + _affine(scaled) @ weights[-3:])

    def forward(self, points: Points) -> Points:
        """Return where points come to lie, by fixed-point iteration to a thousandth of a pixel.

        It converges because drawn shifts change by less than a pixel a pixel, see `draw_warp`.
        """
        found = points
        for _ in range(_MOST_ROUNDS):
            error = points - self.backward(found)
            found = found + error
            if np.abs(error).max(initial=0.0) < _CLOSE_ENOUGH:
                break
        return found

    def parameters(self) -> dict[str, Any]:
        """Return the shifts of the control points."""
        return {"shifts": self.shifts.tolist()}


def corners_of(size: tuple[int, int]) -> Points:
    """Return the (4, 2) corners of a picture of (height, width), clockwise from the top left."""
    height, width = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)


def _project(points: Points, matrix: NDArray[np.float64]) -> Points:
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])


def _kernel(points: Points, knots: Points) -> NDArray[np.float64]:
    """Return (P, K) of r² log r², r the distance between each point and each knot."""
    squared = (points[:, :1] - knots[:, 0]) ** 2 + (points[:, 1:] - knots[:, 1]) ** 2
    return np.asarray(squared * np.log(np.maximum(squared, np.finfo(np.float64).tiny)))


def _affine(points: Points) -> NDArray[np.float64]:
    return np.column_stack([np.ones(len(points)), points])

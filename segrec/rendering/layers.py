"""One word as a coverage layer with its exact polygon, straight, bent along an arc or seen in perspective."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv
from segrec.rendering.fonts import written

Points = NDArray[np.float32]
SIDE_POINTS = 8
"""Least points of each long side of a bent word's polygon."""
SAGITTA = 0.5
"""Most pixels by which a bent side may bulge over its polygon."""
SQUASHED = 0.2
"""A view in which some corner keeps less than this share of its area shows the word folded or from its edge."""


_TO_CENTRES = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
"""From coordinates whose origin is a pixel's corner to those whose origin is its centre."""
_FROM_CENTRES = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])


class TextLayer(NamedTuple):
    """A word before it is painted.

    Attributes:
        coverage: (H, W) uint8, share of each pixel that ink covers, 0..255.
        polygon: (P, 2) float32 (x, y) outline of the word's box in pixels, P >= 4, clockwise from the top left.
    """

    coverage: Array
    polygon: Points


def draw_text(text: str, font: Any, *, spacing: float = 0.0, margin: int = 2) -> TextLayer | None:
    """Return `text` written in one straight line, or None when the font leaves no ink.

    Args:
        font: a Pillow FreeType font.
        spacing: extra pixels between characters; negative values tighten.
        margin: empty pixels kept on each side of the ink.
    """
    coverage = _written(text, font) if spacing == 0 else _written_apart(text, font, spacing)
    if coverage is None:
        return None
    left, top, width, height = opencv().boundingRect(coverage)  # of the ink; none has neither width nor height
    if height < 3 or width < 2 or width > 4096:
        return None
    padded = with_sides(coverage[top : top + height, left : left + width], (margin,) * 4)
    box = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32) + margin
    return TextLayer(padded, box)


def _written(text: str, font: Any) -> Array | None:
    ink, _ = written(text, font)
    return np.asarray(ink) if ink.width and ink.height else None


def _written_apart(text: str, font: Any, spacing: float) -> Array | None:
    left, top, right, bottom = (math.floor(value) for value in font.getbbox(text))
    width = right - left + math.ceil(abs(spacing) * len(text)) + 8
    height = bottom - top + 8
    if width <= 0 or height <= 0:
        return None
    canvas = np.zeros((height, width), dtype=np.uint8)
    x = float(max(0, -left)) + 2
    for character in text:
        glyph, (dx, dy) = written(character, font)
        if glyph.width and glyph.height:
            _stamp(canvas, np.asarray(glyph), round(x) + dx, dy - top + 2)
        x += font.getlength(character) + spacing
    return canvas


def _stamp(canvas: Array, glyph: Array, x: int, y: int) -> None:
    """Write a glyph onto the canvas by maximum, clipped to the canvas."""
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(canvas.shape[1], x + glyph.shape[1]), min(canvas.shape[0], y + glyph.shape[0])
    if x0 < x1 and y0 < y1:
        part = canvas[y0:y1, x0:x1]
        np.maximum(part, glyph[y0 - y : y1 - y, x0 - x : x1 - x], out=part)


def with_sides(coverage: Array, sides: Sequence[int]) -> Array:
    """Return the (H, W) uint8 coverage with more pixels, empty ones, at its sides, or fewer where a number is negative.

    Args:
        sides: pixels at the left, top, right and bottom; together they leave at least one row and column.
    """
    left, top, right, bottom = sides
    height, width = coverage.shape
    kept = coverage[max(-top, 0) : height - max(-bottom, 0), max(-left, 0) : width - max(-right, 0)]
    more = [max(side, 0) for side in (top, bottom, left, right)]
    return np.asarray(opencv().copyMakeBorder(kept, *more, opencv().BORDER_CONSTANT, value=0))


def bend(layer: TextLayer, angle: float) -> TextLayer:
    """Return the layer with its middle line bent along a circular arc.

    Args:
        angle: the arc's angle in radians, positive arches upwards, negative sags; |angle| in (0.05, 3].
    """
    height, width = layer.coverage.shape
    radius = width / abs(angle)
    half = abs(angle) / 2
    upward = angle > 0
    outer, inner = radius + height / 2, max(radius - height / 2, 1.0)
    reach = outer * math.sin(min(half, math.pi / 2))
    low = min(inner * math.cos(half), outer * math.cos(half))
    new_width, new_height = math.ceil(2 * reach) + 4, math.ceil(outer - low) + 4

    def forward(points: Points) -> Points:
        x, y = points[:, 0], points[:, 1]
        theta = (x - width / 2) / radius
        distance = radius - (y - height / 2) if upward else radius + (y - height / 2)
        out_x = new_width / 2 + distance * np.sin(theta)
        rise = outer - distance * np.cos(theta)
        out_y = rise + 2 if upward else new_height - 2 - rise
        return np.stack([out_x, out_y], axis=1).astype(np.float32)

    grid_y, grid_x = np.mgrid[0:new_height, 0:new_width].astype(np.float32)
    across = grid_x + 0.5 - new_width / 2
    along = outer - ((grid_y + 0.5 - 2) if upward else (new_height - 2 - grid_y - 0.5))
    theta, distance = np.arctan2(across, along), np.hypot(across, along)
    source_x = theta * radius + width / 2 - 0.5
    source_y = (radius - distance if upward else distance - radius) + height / 2 - 0.5
    cv2 = opencv()
    coverage = cv2.remap(layer.coverage, source_x.astype(np.float32), source_y.astype(np.float32), cv2.INTER_LINEAR)
    points = max(SIDE_POINTS, math.ceil(half / math.acos(1 - SAGITTA / outer)) + 1)
    return TextLayer(np.asarray(coverage), forward(densify(layer.polygon, points)))


def densify(polygon: Points, points_a_side: int) -> Points:
    """Return a four-cornered polygon with its long sides divided: 2 x `points_a_side` points, clockwise."""
    steps = np.linspace(0, 1, points_a_side, dtype=np.float32)[:, None]
    top = polygon[0] + steps * (polygon[1] - polygon[0])
    bottom = polygon[2] + steps * (polygon[3] - polygon[2])
    return np.concatenate([top, bottom]).astype(np.float32)


def shear_and_view(layer: TextLayer, rng: np.random.Generator, *, strength: float, rotation: float) -> TextLayer:
    """Return the layer rotated, sheared and seen in perspective on a canvas that holds it whole.

    Args:
        strength: how far corners move, as a share of the layer's height, less where that would fold the word; 0 keeps
            parallels parallel.
        rotation: degrees, counter-clockwise.
    """
    height, width = layer.coverage.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    radians = math.radians(rotation)
    turn = np.array([[math.cos(radians), math.sin(radians)], [-math.sin(radians), math.cos(radians)]])
    turned = (corners - corners[2] / 2) @ turn.T
    reach = np.array([min(width, 3 * height), height]) * strength
    moves = rng.uniform(-1, 1, size=(4, 2)) * reach
    moves[:2, 0] += rng.normal(0, 0.5 * strength) * height
    while _least_corner(turned + moves) < SQUASHED * width * height:
        moves /= 2
    moved = turned + moves
    moved = (moved - moved.min(axis=0) + 1).astype(np.float32)
    new_width, new_height = (math.ceil(value) + 1 for value in moved.max(axis=0))
    cv2 = opencv()
    matrix = cv2.getPerspectiveTransform(corners, moved)
    pixel_matrix = _TO_CENTRES @ matrix @ _FROM_CENTRES
    coverage = cv2.warpPerspective(layer.coverage, pixel_matrix, (new_width, new_height), flags=cv2.INTER_LINEAR)
    return TextLayer(np.asarray(coverage), project(layer.polygon, matrix))


def _least_corner(corners: NDArray[np.float64]) -> float:
    """Return the least area that two neighbouring sides span, negative where the outline turns back."""
    sides = corners[[1, 2, 3, 0]] - corners
    following = sides[[1, 2, 3, 0]]
    return float((sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]).min())


def project(points: Points, matrix: NDArray[np.float64]) -> Points:
    """Return (P, 2) points moved by a 3 x 3 homography."""
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    return (homogeneous[:, :2] / homogeneous[:, 2:]).astype(np.float32)


def trim(layer: TextLayer) -> TextLayer:
    """Return the layer cut to its ink and polygon, with the polygon shifted along."""
    low = np.floor(layer.polygon.min(axis=0)).astype(int).clip(0)
    high = np.ceil(layer.polygon.max(axis=0)).astype(int)
    cut = layer.coverage[low[1] : high[1], low[0] : high[0]]
    return TextLayer(cut, layer.polygon - low.astype(np.float32))

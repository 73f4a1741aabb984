"""Letters of light: neon tubes, letters with a lamp behind them, boards of dots."""

from __future__ import annotations

import math

import numpy as np

from segrec.core.channels import in_color
from segrec.core.images import Array, opencv
from segrec.rendering.layers import TextLayer
from segrec.rendering.paint import blend, disc, grown, shrunk
from segrec.rendering.sign_colors import Canvas, bright_hue, brightness, calmed, ground_and_ink
from segrec.rendering.sign_contours import Painted, stroke_width

LIT = 0.38
"""Least share of a dot's cell that ink covers for the dot to be lit."""


def neon(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float) -> Painted:
    """Return letters of glowing tubes on dark ground: a bright core in a coloured tube in a halo, which is not text.

    Thin letters are tubes themselves; of others a tube follows the outline half of the time.
    """
    hue, width = bright_hue(rng), stroke_width(coverage)
    tube = coverage
    if width > 0.1 * em and rng.random() < 0.5:
        tube = np.asarray(opencv().subtract(coverage, shrunk(coverage, max(1, round(0.22 * width)))))
        width = 0.25 * width
    glowing = _glow(_dark(canvas, rng), tube, hue, rng, em=em)
    body = blend(glowing, tube, hue)
    core = np.asarray(opencv().GaussianBlur(shrunk(tube, max(1, round(0.2 * width))), (0, 0), max(0.5, 0.1 * width)))
    white = hue + (255 - hue) * np.float32(rng.uniform(0.5, 1))
    return blend(body, core, white, float(rng.uniform(0.5, 1))), tube


def backlit(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float) -> Painted:
    """Return solid letters, dark or lit, before the light that they throw on the wall."""
    hue = bright_hue(rng)
    wall = _glow(_dark(canvas, rng), grown(coverage, max(1, round(0.03 * em))), hue, rng, em=em)
    if rng.random() < 0.5:
        face = hue * np.float32(0.3) + np.float32(0.7 * 255)
    else:
        face = np.full(3, rng.uniform(0, 25), dtype=np.float32)
        wall = np.clip(wall + hue * np.float32(rng.uniform(0.15, 0.3)), 0, 255)
    return blend(wall, coverage, face), coverage


def _dark(canvas: Canvas, rng: np.random.Generator) -> Canvas:
    """Return the canvas at night: no lighter than 70 grey levels on the mean."""
    night = calmed(canvas, 30) * np.float32(rng.uniform(0.1, 0.6))
    return night * np.float32(min(1.0, 70 / max(brightness(night), 1.0)))


def _glow(canvas: Canvas, source: Array, hue: Canvas, rng: np.random.Generator, *, em: float) -> Canvas:
    """Return the canvas with the light of `source` around it, near and far."""
    light = source.astype(np.float32) / 255
    near = opencv().GaussianBlur(light, (0, 0), em * float(rng.uniform(0.04, 0.1)))
    far = opencv().GaussianBlur(light, (0, 0), em * float(rng.uniform(0.15, 0.4)))
    share = near * np.float32(rng.uniform(0.25, 0.75)) + far * np.float32(rng.uniform(0.1, 0.6))
    lit: Canvas = np.clip(canvas + in_color(share, hue), 0, 255)
    return lit


def dotted(layer: TextLayer, rng: np.random.Generator, *, em: float) -> tuple[TextLayer, int]:
    """Return the layer written in dots on a grid, and the distance between dots in pixels.

    The grid is as fine as the letters' strokes are wide, so that no stroke falls through it.
    """
    pitch = round(float(np.clip(stroke_width(layer.coverage) * rng.uniform(0.65, 0.95), 0.055 * em, 0.11 * em)))
    pitch = max(4, pitch)
    height, width = layer.coverage.shape
    rows, columns = math.ceil(height / pitch), math.ceil(width / pitch)
    padded = np.pad(layer.coverage, ((0, rows * pitch - height), (0, columns * pitch - width)))
    shares = opencv().resize(padded, (columns, rows), interpolation=opencv().INTER_AREA) / 255
    lit = (shares > min(LIT, 0.45 * float(shares.max()))).astype(np.uint8)
    dots = np.kron(lit, _dot(pitch, float(rng.uniform(0.36, 0.52)), square=rng.random() < 0.2))
    return TextLayer(np.ascontiguousarray(dots[:height, :width]), layer.polygon), pitch


def _dot(pitch: int, radius: float, *, square: bool) -> Array:
    """Return one dot in its cell, (pitch, pitch) uint8, with soft edges; `radius` is a share of the pitch."""
    fine = 4 * pitch
    offsets = np.abs((np.arange(fine) + 0.5) / fine - 0.5)
    reach = np.maximum(*np.meshgrid(offsets, offsets)) if square else np.hypot(*np.meshgrid(offsets, offsets))
    inside = (reach <= radius * (0.9 if square else 1.0)).astype(np.float32)
    return np.asarray(255 * inside.reshape(pitch, 4, pitch, 4).mean(axis=(1, 3)), dtype=np.uint8)


def joined(dots: Array, pitch: int) -> Array:
    """Return the letters that dots `pitch` pixels apart write: the dots with the gaps between neighbours filled."""
    return np.asarray(opencv().morphologyEx(dots, opencv().MORPH_CLOSE, disc(math.ceil(0.6 * pitch))))


def board(canvas: Canvas, dots: Array, rng: np.random.Generator, *, em: float, pitch: int) -> Painted:
    """Return a board of lamps in the dark, or dots printed on a label; the letters that the dots write are the text."""
    strokes = joined(dots, pitch)
    if rng.random() < 0.35:
        ground, ink = ground_and_ink(canvas, rng, faint=0.05)
        return blend(ground, dots, ink), strokes
    hue = bright_hue(rng)
    panel = calmed(canvas, 6) * np.float32(min(1.0, rng.uniform(8, 50) / max(brightness(canvas), 1.0)))
    glow = opencv().GaussianBlur(dots, (0, 0), pitch * float(rng.uniform(0.3, 1.0))).astype(np.float32) / 255
    panel = np.clip(panel + in_color(glow, hue) * np.float32(rng.uniform(0.2, 0.8)), 0, 255)
    return blend(panel, dots, hue), strokes

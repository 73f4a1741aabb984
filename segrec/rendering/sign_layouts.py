"""How the letters of a sign stand: in a line, along an arc or a badge, tilted, turned by a quarter, or stacked."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from segrec.core.images import Array
from segrec.rendering.layers import TextLayer, bend, draw_text, shear_and_view, trim

Layout = Literal["line", "arc", "badge", "tilt", "turn", "stack"]
SHARES: dict[Layout, float] = {"line": 0.56, "arc": 0.14, "badge": 0.03, "tilt": 0.19, "turn": 0.04, "stack": 0.04}
MOST_STACKED = 10
"""Most letters of a stacked word."""
TILT = 30.0
"""Most degrees by which a line is rotated."""


def draw_layout(rng: np.random.Generator) -> Layout:
    """Return a layout, each as often as `SHARES` says."""
    names = list(SHARES)
    return names[int(rng.choice(len(names), p=np.array(list(SHARES.values()))))]


def laid_out(layer: TextLayer, layout: Layout, rng: np.random.Generator) -> TextLayer:
    """Return a straight word in another layout; too short words are tilted instead of bent.

    `stack` is written by `stacked` and comes here only to be seen from an angle.
    """
    height, width = layer.coverage.shape
    if layout in ("arc", "badge") and width < 2.2 * height:
        layout = "tilt"
    if layout == "turn":
        return quarter_turned(_viewed(layer, rng, 4.0), clockwise=rng.random() < 0.5)
    if layout == "arc":
        most = min(3.0, 0.5 * width / height)
        layer = bend(layer, float(rng.choice([-1, 1]) * rng.uniform(0.55, max(0.6, most))))
    if layout == "badge":
        most = min(4.6, 0.75 * width / height)
        layer = bend(layer, float(rng.choice([1, 1, -1]) * rng.uniform(0.7 * most, most)))
    rotation = {"line": 4.0, "arc": 8.0, "badge": 20.0, "tilt": TILT, "stack": 5.0}[layout]
    return _viewed(layer, rng, rotation)


def _viewed(layer: TextLayer, rng: np.random.Generator, most: float) -> TextLayer:
    """Return the layer rotated by up to `most` degrees and seen in perspective, a third of gently turned ones not."""
    if most < TILT and rng.random() < 0.35:
        return trim(layer)
    strength = float(min(0.2, rng.gamma(1.3, 0.06)))
    return trim(shear_and_view(layer, rng, strength=strength, rotation=float(rng.uniform(-most, most))))


def quarter_turned(layer: TextLayer, *, clockwise: bool) -> TextLayer:
    """Return the layer turned by 90 degrees; the polygon still starts where the word does."""
    height, width = layer.coverage.shape
    x, y = layer.polygon[:, 0], layer.polygon[:, 1]
    points = np.stack([height - y, x] if clockwise else [y, width - x], axis=1)
    turned = np.rot90(layer.coverage, -1 if clockwise else 1)
    return TextLayer(np.ascontiguousarray(turned), points.astype(np.float32))


def stacked(text: str, font: Any, rng: np.random.Generator) -> TextLayer | None:
    """Return upright letters one below another, or None when the font leaves out one of them."""
    layers = [draw_text(character, font, margin=0) for character in text]
    glyphs = [layer.coverage for layer in layers if layer is not None]
    if len(glyphs) != len(text):
        return None
    gap = max(2, round(float(rng.uniform(0.08, 0.3)) * float(np.median([glyph.shape[0] for glyph in glyphs]))))
    height, width = sum(glyph.shape[0] for glyph in glyphs) + gap * (len(glyphs) - 1), max(g.shape[1] for g in glyphs)
    coverage: Array = np.zeros((height + 4, width + 4), dtype=np.uint8)
    top = 2
    for glyph in glyphs:
        left = 2 + math.floor((width - glyph.shape[1]) / 2)
        coverage[top : top + glyph.shape[0], left : left + glyph.shape[1]] = glyph
        top += glyph.shape[0] + gap
    box = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32) + 2
    return TextLayer(coverage, box)

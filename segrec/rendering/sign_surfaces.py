"""Letters with a surface of their own: relief, photographs, gradients, metal, worn paint, stencils."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from segrec.core.channels import in_channels
from segrec.core.images import LUMA, Array, opencv
from segrec.rendering.layers import TextLayer
from segrec.rendering.paint import blend
from segrec.rendering.sign_colors import Canvas, brightness, calmed, ground_and_ink, tinted
from segrec.rendering.sign_contours import Painted

METALS = ((255, 215, 110), (225, 225, 230), (205, 140, 85), (190, 195, 200))


def relief(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float) -> Painted:
    """Return letters raised from or sunk into the ground, in its colour, with one light and one dark edge."""
    ground = calmed(canvas, float(rng.uniform(2, 14)))
    ground = ground + np.float32(np.clip(brightness(ground), 60, 195) - brightness(ground))
    edges = _slope(coverage, rng, sigma=em * float(rng.uniform(0.018, 0.035)))
    painted = ground + in_channels(edges * np.float32(rng.uniform(70, 140)))
    face = float(rng.choice([-1, 0, 1]) * rng.uniform(4, 22))
    painted += in_channels(coverage.astype(np.float32) * np.float32(face / 255))
    return np.clip(painted, 0, 255), coverage


def _slope(coverage: Array, rng: np.random.Generator, *, sigma: float) -> NDArray[np.float32]:
    """Return how steeply the letters' edges face a lamp in a random direction, (H, W) in [-1, 1]."""
    cv2, turn = opencv(), float(rng.uniform(0, 2 * math.pi))
    smooth = cv2.GaussianBlur(coverage.astype(np.float32), (0, 0), max(0.6, sigma))
    across, down = cv2.Sobel(smooth, -1, 1, 0), cv2.Sobel(smooth, -1, 0, 1)
    slope = across * np.float32(math.cos(turn)) + down * np.float32(math.sin(turn))
    return np.asarray(slope / max(float(np.abs(slope).max()), 1e-6), dtype=np.float32)


def textured(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float, surface: Array) -> Painted:
    """Return letters filled with a photograph or texture, `surface` (H, W, 3), brought to the ink's brightness."""
    ground, ink = ground_and_ink(canvas, rng, faint=0)
    contrast = abs(brightness(ink) - brightness(ground))
    filling = calmed(surface.astype(np.float32), 0.3 * contrast)
    filling = filling + np.float32(brightness(ink) - brightness(filling))
    return blend(ground, coverage, np.clip(filling, 0, 255)), coverage


def graded(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float) -> Painted:
    """Return letters whose colour runs into another across the word."""
    ground, ink = ground_and_ink(canvas, rng, faint=0)
    step = brightness(ink) - brightness(ground)
    other = tinted(brightness(ground) + step * float(rng.uniform(0.5, 1.2)), rng)
    height, width = coverage.shape
    turn = float(rng.choice([0.5 * math.pi, 0.0, rng.uniform(0, math.pi)]))
    rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    share = np.clip(0.5 + 0.5 * (rows * math.sin(turn) + columns * math.cos(turn)), 0, 1)[:, :, None]
    return blend(ground, coverage, np.asarray(ink + (other - ink) * share, dtype=np.float32)), coverage


def metallic(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float) -> Painted:
    """Return letters of gold, steel or copper: bands of reflections and lit edges, on a dark or light ground."""
    dark = rng.random() < 0.75
    ground = calmed(canvas, 18)
    target = float(rng.uniform(8, 75) if dark else rng.uniform(200, 245))
    ground = np.clip(ground + np.float32(target - brightness(ground)), 0, 255)
    metal = np.array(METALS[int(rng.integers(len(METALS)))], dtype=np.float32)
    low, high = (0.6, 1.15) if dark else (0.15, 0.6)
    tones = rng.uniform(low, high, size=int(rng.integers(4, 7)))
    bands = np.interp(np.linspace(0, 1, coverage.shape[0]), np.linspace(0, 1, len(tones)), tones).astype(np.float32)
    edges = in_channels(_slope(coverage, rng, sigma=0.02 * em) * np.float32(rng.uniform(20, 70)))
    return blend(ground, coverage, np.clip(bands[:, None, None] * metal + edges, 0, 255)), coverage


def worn(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float, surface: Array) -> Painted:
    """Return letters whose paint has come off in places of a texture; what is left is the text."""
    ground, ink = ground_and_ink(canvas, rng, faint=0.05)
    height = np.asarray(surface @ LUMA, dtype=np.float32)
    gone = float(np.quantile(height, rng.uniform(0.05, 0.22)))
    soft = max(float(height.std()) * 0.25, 1.0)
    left = np.clip((height - gone) / soft + 0.5, 0, 1)
    strokes = np.asarray(coverage * left, dtype=np.uint8)
    return blend(ground, strokes, ink), strokes


def stencilled(layer: TextLayer, rng: np.random.Generator, *, em: float) -> TextLayer:
    """Return the layer with the bridges of a stencil: each counter is opened to above and below or to both sides."""
    cv2, coverage = opencv(), layer.coverage.copy()
    ink = (coverage > 127).astype(np.uint8)
    outlines, levels = cv2.findContours(ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    width, upright = max(2, round(em * float(rng.uniform(0.045, 0.085)))), rng.random() < 0.8
    for index, outline in enumerate(outlines):
        x, y, wide, high = cv2.boundingRect(outline)
        if levels[0][index][3] >= 0:  # a counter: cut through the whole letter around it
            holder = cv2.boundingRect(outlines[levels[0][index][3]])
            if wide < 2 or high < 2:
                continue
            _cut(coverage, holder, (x + wide // 2, y + high // 2), width, upright=upright)
        elif levels[0][index][2] < 0 and high > 0.5 * em and wide > 0.3 * em and rng.random() < 0.5:
            _cut(coverage, (x, y, wide, high), (x + wide // 2, y + high // 2), width, upright=not upright)
    return TextLayer(coverage, layer.polygon)


def _cut(
    coverage: Array, box: tuple[int, int, int, int], middle: tuple[int, int], width: int, *, upright: bool
) -> None:
    """Clear a bridge of `width` pixels through the middle, across the whole (x, y, width, height) box."""
    x, y, wide, high = box
    first = (middle[0] if upright else middle[1]) - width // 2
    if upright:
        coverage[y : y + high, max(0, first) : first + width] = 0
    else:
        coverage[max(0, first) : first + width, x : x + wide] = 0

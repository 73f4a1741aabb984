"""Letters with contours, hollow letters, and letters with a depth or a shadow."""

from __future__ import annotations

import math

import numpy as np

from segrec.core.images import Array, opencv
from segrec.rendering.paint import blend, grown, shrunk
from segrec.rendering.sign_colors import Canvas, away_from, brightness, ground_and_ink

Painted = tuple[Canvas, Array]


def stroke_width(coverage: Array) -> float:
    """Return the mean width of the strokes in pixels: four times the mean distance of ink to its edge."""
    inside = (coverage > 127).astype(np.uint8)
    distance = opencv().distanceTransform(inside, 2, 3)
    return 4 * float(distance[inside > 0].mean()) if inside.any() else 1.0


def plain(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float) -> Painted:
    """Return letters in one colour."""
    ground, ink = ground_and_ink(canvas, rng)
    return blend(ground, coverage, ink), coverage


def outlined(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float) -> Painted:
    """Return filled letters with a contour, at times with a second one around it.

    The contour is text where it is what stands out of the ground, as around white letters on white; around letters
    whose fill stands out it is an ornament, as the second contour always is.
    """
    ground, first = ground_and_ink(canvas, rng, faint=0)
    second = away_from(brightness(first), rng, least=70)
    fill, rim = (first, second) if rng.random() < 0.5 else (second, first)
    contour = grown(coverage, _pixels(em, rng, 0.02, 0.055))
    behind = brightness(ground)
    within = abs(brightness(fill) - behind) < 0.5 * abs(brightness(rim) - behind)
    if rng.random() < 0.2:
        around = grown(contour, _pixels(em, rng, 0.02, 0.05))
        ground = blend(ground, around, away_from(brightness(rim), rng, least=50))
    painted = blend(blend(ground, contour, rim), coverage, fill)
    return painted, contour if within else coverage


def hollow(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float) -> Painted:
    """Return letters that are nothing but their outline, which is the text; inside is the ground or a tint of it."""
    ground, ink = ground_and_ink(canvas, rng, faint=0)
    band = max(1, round(min(em * float(rng.uniform(0.02, 0.05)), 0.22 * stroke_width(coverage))))
    inner = shrunk(coverage, band)
    strokes = np.asarray(opencv().subtract(grown(coverage, 1), inner))
    if rng.random() < 0.3:
        ground = blend(ground, inner, ink, float(rng.uniform(0.05, 0.25)))
    return blend(ground, strokes, ink), strokes


def extruded(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float) -> Painted:
    """Return letters whose sides are seen, as of letters cut out of a board; the faces are the text."""
    ground, ink = ground_and_ink(canvas, rng, faint=0)
    side = np.float32(rng.uniform(0.25, 0.6)) * ink
    if brightness(ink) - brightness(side) < 35:
        side = np.clip(ink + np.float32(rng.uniform(40, 90)), 0, 255)
    turn, depth = float(rng.uniform(0, 2 * math.pi)), em * float(rng.uniform(0.05, 0.18))
    body = coverage
    for step in np.arange(1, depth + 1):
        body = np.maximum(body, moved(coverage, step * math.cos(turn), step * math.sin(turn)))
    if rng.random() < 0.3:
        ground = blend(ground, _soft(moved(body, depth, depth), em * 0.05), np.zeros(3, np.float32), 0.5)
    return blend(blend(ground, body, side), coverage, ink), coverage


def shadowed(canvas: Canvas, coverage: Array, rng: np.random.Generator, *, em: float) -> Painted:
    """Return letters with a hard or soft shadow, which is not text."""
    ground, ink = ground_and_ink(canvas, rng, faint=0)
    reach = em * rng.uniform(0.04, 0.14, size=2) * rng.choice([-1, 1], size=2)
    shadow = moved(coverage, float(reach[0]), float(reach[1]))
    if rng.random() < 0.5:
        shadow = _soft(shadow, em * float(rng.uniform(0.01, 0.06)))
    light = brightness(ink)
    tone = np.zeros(3, dtype=np.float32) if light > 100 else np.full(3, rng.uniform(light + 60, 255), np.float32)
    ground = blend(ground, shadow, tone, float(rng.uniform(0.4, 0.85)))
    return blend(ground, coverage, ink), coverage


def moved(coverage: Array, right: float, down: float) -> Array:
    """Return the coverage moved by this many pixels; what leaves the canvas is lost."""
    shift = np.array([[1, 0, right], [0, 1, down]], dtype=np.float32)
    return np.asarray(opencv().warpAffine(coverage, shift, coverage.shape[::-1]), dtype=np.uint8)


def _soft(coverage: Array, sigma: float) -> Array:
    return np.asarray(opencv().GaussianBlur(coverage, (0, 0), max(0.5, sigma)))


def _pixels(em: float, rng: np.random.Generator, least: float, most: float) -> int:
    return max(1, round(em * float(rng.uniform(least, most))))

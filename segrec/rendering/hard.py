"""Words that are painted to be hard to read: on grounds with distractors, in ink close to the ground."""

from __future__ import annotations

import numpy as np

from segrec.core.channels import all_levels, in_channels, mapped, mean_color
from segrec.core.images import LUMA, Array
from segrec.rendering.distractors import cover
from segrec.rendering.paint import Color, paint

SIZES = (36, 44, 52, 60)
"""Pixels an em at which hard words are drawn before they are shrunk."""
BENT_SHARE = 0.3
TURNED_SHARE = 0.75
FAINT_SHARE = 0.5


def ground(canvas: Array, rng: np.random.Generator) -> Array:
    """Return the ground that a hard word stands on: mostly calmed as signs are, at times with a distractor on it."""
    if rng.random() < 0.12:
        canvas = cover(canvas, rng)
    grey = in_channels(canvas @ LUMA)
    canvas = np.asarray(grey + (canvas - grey) * np.float32(rng.uniform(0.1, 0.9)), dtype=np.uint8)
    return _calmed(canvas, float(rng.uniform(0.05, 0.5))) if rng.random() < 0.6 else canvas


def _calmed(canvas: Array, contrast: float) -> Array:
    """Return the canvas with its differences to its mean colour scaled by `contrast`."""
    mean = mean_color(canvas)
    return mapped(canvas, np.clip(mean + (all_levels() - mean) * contrast, 0, 255).astype(np.uint8))


def paint_badly(canvas: Array, coverage: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return (image, strokes) as `paint` does; on calm grounds every other word is in ink close to the ground."""
    step = float(rng.uniform(20, 60))
    calm = float((canvas.astype(np.float32) @ LUMA).std()) < 0.5 * step
    if calm and rng.random() < FAINT_SHARE:
        return paint(canvas, coverage, rng, color=_faint_color(canvas, step, rng))
    return paint(canvas, coverage, rng)


def _faint_color(canvas: Array, step: float, rng: np.random.Generator) -> Color:
    """Return the canvas's mean colour, `step` grey levels lighter or darker and hardly another hue."""
    mean = mean_color(canvas).astype(np.float32)
    luma = float(mean @ LUMA)
    sign = 1 if rng.random() < (255 - luma) / 255 else -1
    if not 0 <= luma + sign * step <= 255:
        sign = -sign
    chroma = rng.normal(0, 1, size=3) * float(rng.choice([2.0, 12.0]))
    return np.asarray(np.clip(mean + sign * step + chroma - chroma @ LUMA, 0, 255), dtype=np.float32)

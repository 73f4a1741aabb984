"""The colours of a sign: ink lighter or darker than its ground equally often, and further colours that stand out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segrec.core.channels import mean_color
from segrec.core.images import LUMA
from segrec.rendering.paint import Color

Canvas = NDArray[np.float32]
FAINT_SHARE = 0.12
NOISE_SHARE = 0.32
"""Most deviation of the ground as a share of the ink's contrast to it, so that the ink is read first."""


def ground_and_ink(canvas: Canvas, rng: np.random.Generator, *, faint: float = FAINT_SHARE) -> tuple[Canvas, Color]:
    """Return the ground, made lighter, darker or calmer where the ink needs it, and the ink's RGB.

    Args:
        canvas: (H, W, 3), 0..255 RGB.
        faint: share of inks that are close to the ground.
    """
    step = float(rng.uniform(26, 55) if rng.random() < faint else rng.uniform(60, 190))
    sign = 1 if rng.random() < 0.5 else -1
    ground = calmed(canvas, NOISE_SHARE * step)
    luma = brightness(ground)
    wanted = min(luma, 250 - step) if sign > 0 else max(luma, 5 + step)
    return np.clip(ground + np.float32(wanted - luma), 0, 255), tinted(wanted + sign * step, rng)


def calmed(canvas: Canvas, deviation: float) -> Canvas:
    """Return the canvas with its differences to its mean colour scaled down to at most `deviation` grey levels."""
    own = float((canvas @ LUMA).std())
    if own <= deviation:
        return canvas
    height, width = canvas.shape[:2]
    mean = np.tile(mean_color(canvas), width)
    rows: Canvas = mean + (canvas.reshape(height, 3 * width) - mean) * np.float32(deviation / own)
    return rows.reshape(height, width, 3)


def brightness(color: NDArray[np.float32]) -> float:
    """Return the mean luma of a colour or picture, 0..255."""
    return float((color if color.ndim == 1 else mean_color(color)) @ LUMA)


def tinted(luma: float, rng: np.random.Generator) -> Color:
    """Return a grey, pale or strong colour of exactly that luma, RGB 0..255; near black and white it is paler."""
    chroma = rng.normal(0, 1, size=3) * float(rng.choice([0.0, 25.0, 80.0]))
    chroma -= float(chroma @ LUMA)
    room = np.where(chroma > 0, 255 - luma, luma)
    strength = min(1.0, float((room / np.maximum(np.abs(chroma), 1e-6)).min()))
    return np.asarray(luma + strength * chroma, dtype=np.float32)


def away_from(luma: float, rng: np.random.Generator, *, least: float = 60.0) -> Color:
    """Return a colour at least `least` grey levels lighter or darker than `luma`, as far as there is room."""
    step = float(rng.uniform(least, 200))
    sign = 1 if rng.random() < 0.5 else -1
    if not 0 <= luma + sign * least <= 255:
        sign = -sign
    return tinted(float(np.clip(luma + sign * step, 0, 255)), rng)


def bright_hue(rng: np.random.Generator) -> Color:
    """Return the colour of a lamp: one strong hue at full brightness, or nearly white; RGB 0..255."""
    if rng.random() < 0.15:
        return np.asarray(rng.uniform(215, 255, size=3), dtype=np.float32)
    hue = rng.uniform(0, 6)
    channels = np.clip(np.abs((hue + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return np.asarray(255 * (channels + (1 - channels) * rng.uniform(0.05, 0.4)), dtype=np.float32)

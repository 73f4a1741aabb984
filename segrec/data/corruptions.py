"""What makes a word's picture worse by one kind of damage, at five levels; each is worse than the one before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from segrec.core.images import Array, decode_image, encode_jpeg, encode_png, opencv, resize
from segrec.data.corruption_kinds import CORRUPTIONS, Corruption, CorruptionKind

BLUR = (0.025, 0.04, 0.06, 0.08, 0.105)
"""Standard deviations of a Gaussian, as shares of the word's shorter side."""
LEAST_BLUR = (0.3, 0.45, 0.6, 0.8, 1.0)
"""In pixels, for words of few rows."""
LIGHT = (0.5, 0.33, 0.2, 0.12, 0.07)
"""Shares of the light that are left."""
GRAIN = (1.0, 1.5, 2.0, 2.5, 3.0)
"""Noise of the sensor in the dark, in grey levels."""
CONTRAST = (0.5, 0.33, 0.2, 0.12, 0.07)
"""Shares of the difference to the mean colour that are left."""
NOISE = (15.0, 30.0, 50.0, 80.0, 120.0)
"""Standard deviations in grey levels."""
QUALITY = (30, 18, 11, 7, 4)
ROWS = (20, 15, 12, 9, 7)
"""Pixels of the shorter side, at most."""
SHARES = (0.8, 0.65, 0.5, 0.4, 0.3)
"""Of the shorter side that are left, at most, so that small words become smaller too."""

Damage = Callable[[Array, int, np.random.Generator], Array]


def corrupt(image: Array, corruption: Corruption, *, seed: int, index: int) -> bytes:
    """Return a word's corrupted picture, encoded: as a JPEG for the kind `jpeg`, else without further loss as a PNG.

    The same arguments give the same bytes. All levels of a kind draw the same numbers, so that they differ by the
    amount alone.

    Args:
        image: (H, W, 3) uint8 RGB.
        corruption: the kind and the level.
        seed: 0 or more.
        index: of the word.
    """
    if corruption.kind == "jpeg":
        return encode_jpeg(image, QUALITY[corruption.level - 1])
    return encode_png(damaged(image, corruption, seed=seed, index=index))


def damaged(image: Array, corruption: Corruption, *, seed: int, index: int) -> Array:
    """Return what `corrupt` encodes, (h, w, 3) uint8 RGB; smaller for the kind `small`. The arguments are the same."""
    place = corruption.level - 1
    if corruption.kind == "jpeg":
        return decode_image(encode_jpeg(image, QUALITY[place]))
    rng = np.random.default_rng((seed, index, CORRUPTIONS.index(corruption.kind)))
    return _DAMAGES[corruption.kind](image, place, rng)


def _blurred(image: Array, place: int, rng: np.random.Generator) -> Array:
    sigma = max(BLUR[place] * min(image.shape[:2]), LEAST_BLUR[place])
    return np.asarray(opencv().GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)


def _darkened(image: Array, place: int, rng: np.random.Generator) -> Array:
    return _levels(image * np.float32(LIGHT[place]) + _normal(image, rng) * np.float32(GRAIN[place]))


def _flattened(image: Array, place: int, rng: np.random.Generator) -> Array:
    mean = image.mean(axis=(0, 1), dtype=np.float32)
    return _levels(mean + (image - mean) * np.float32(CONTRAST[place]))


def _noisy(image: Array, place: int, rng: np.random.Generator) -> Array:
    return _levels(image + _normal(image, rng) * np.float32(NOISE[place]))


def _shrunk(image: Array, place: int, rng: np.random.Generator) -> Array:
    side = min(image.shape[:2])
    scale = min(ROWS[place] / side, SHARES[place])
    height, width = (max(1, round(length * scale)) for length in image.shape[:2])
    return np.asarray(resize(image, (height, width), "area"), dtype=np.uint8)


def _normal(image: Array, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(image.shape, dtype=np.float32)


def _levels(values: np.ndarray) -> Array:
    return np.asarray(np.clip(np.round(values), 0, 255), dtype=np.uint8)


_DAMAGES: dict[CorruptionKind, Damage] = {
    "blur": _blurred,
    "dark": _darkened,
    "low-contrast": _flattened,
    "noise": _noisy,
    "small": _shrunk,
}

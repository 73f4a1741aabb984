"""Random changes to a prepared word input that move image and mask together."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv


def augment_word(prepared: Array, rng: np.random.Generator, *, color_channels: int) -> Array:
    """Return a changed copy of one network input.

    Three in four inputs are shifted, scaled, turned and sheared a little (all channels alike); two in three change
    contrast, brightness or tone curve, and one in four gets noise (colour channels only). Amounts are not stated in
    the paper.

    Args:
        prepared: (C, H, W) uint8, colour channels first, then perhaps a mask.
        color_channels: how many of the C channels are colour: 1 or 3.
    """
    changed = prepared.copy()
    if rng.random() < 0.75:
        changed = _moved(changed, rng)
    color = changed[:color_channels]
    if rng.random() < 0.66:
        color[:] = _toned(color, rng)
    if rng.random() < 0.25:
        noise = rng.normal(0, rng.uniform(2, 14), size=color.shape)
        color[:] = np.clip(color + noise, 0, 255).astype(np.uint8)
    return changed


def _moved(prepared: Array, rng: np.random.Generator) -> Array:
    _, height, width = prepared.shape
    angle, shear = math.radians(float(rng.normal(0, 1.5))), float(rng.normal(0, 0.12))
    scale_x, scale_y = (float(value) for value in rng.uniform(0.92, 1.1, size=2))
    stretch = width / height / 3
    linear = np.array(
        [
            [scale_x * math.cos(angle), (-math.sin(angle) + shear) * stretch],
            [scale_y * math.sin(angle) / stretch, scale_y * math.cos(angle)],
        ]
    )
    middle = np.array([width / 2, height / 2])
    shift = middle - linear @ middle + rng.uniform(-1, 1, size=2) * (0.03 * width, 0.06 * height)
    matrix = np.concatenate([linear, shift[:, None]], axis=1)
    cv2 = opencv()
    planes = [
        cv2.warpAffine(plane, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for plane in prepared
    ]
    return np.stack(planes).astype(np.uint8)


def _toned(color: Array, rng: np.random.Generator) -> Array:
    """Apply one random tone table: contrast around the mean, brightness, gamma, sometimes inversion."""
    levels: NDArray[np.float64] = np.arange(256) / 255
    mean = float(color.mean()) / 255
    levels = (levels - mean) * float(rng.uniform(0.55, 1.4)) + mean + float(rng.normal(0, 0.08))
    levels = np.clip(levels, 0, 1) ** float(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.08:
        levels = 1 - levels
    table = np.clip(levels * 255, 0, 255).round().astype(np.uint8)
    return np.asarray(table[color], dtype=np.uint8)

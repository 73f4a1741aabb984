"""Arithmetic on the three channels of pictures without numpy's loops along an axis of three, which are slow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv

EXACT_PIXELS = 2**24 // 255
"""As many whole levels add up without rounding in float32, in whatever order."""


def in_channels(values: NDArray[Any]) -> NDArray[Any]:
    """Return (H, W) uint8 or float32 values as (H, W, 3), the same in each channel."""
    return np.asarray(opencv().cvtColor(values, opencv().COLOR_GRAY2RGB))


def in_color(values: NDArray[np.float32], color: NDArray[Any]) -> NDArray[Any]:
    """Return (H, W) values times each channel of a colour, (H, W, 3) of the type that their product has."""
    height, width = values.shape
    rows = in_channels(values).reshape(height, 3 * width) * np.tile(color, width)
    return np.asarray(rows.reshape(height, width, 3))


def mean_color(picture: NDArray[Any]) -> NDArray[Any]:
    """Return `picture.mean(axis=(0, 1))` to the bit, (3,) float64 of a uint8 picture and float32 of a float32 one.

    Args:
        picture: (H, W, 3); sooner if its levels are whole.
    """
    if picture.dtype == np.uint8:
        return _mean_of_levels(picture)
    levels = picture.astype(np.uint8)
    if picture.size <= 3 * EXACT_PIXELS and np.array_equal(levels, picture):
        return _mean_of_levels(levels).astype(picture.dtype)
    return np.asarray(picture.mean(axis=(0, 1)))


def _mean_of_levels(picture: Array) -> NDArray[np.float64]:
    sums = np.array(opencv().sumElems(picture)[:3], dtype=np.float64)
    return np.asarray(sums / (picture.shape[0] * picture.shape[1]))


def mapped(picture: Array, tones: Array) -> Array:
    """Return a picture whose levels were replaced, channel by channel.

    Args:
        picture: (H, W, 3) uint8.
        tones: (1, 256, 3) uint8, what stands for each level.
    """
    return np.asarray(opencv().LUT(picture, tones))


def all_levels() -> Array:
    """Return a picture of all grey levels, (1, 256, 3) uint8: what is done to it, `mapped` does to any picture."""
    return in_channels(np.arange(256, dtype=np.uint8)[None])

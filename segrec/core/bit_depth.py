"""Pictures of any depth, and with transparency, as 8 bits per channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.errors import DataError

DEPTHS = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
"""Highest values of the depths in which cameras and scanners deliver."""

_BAND = 256
"""Rows that are composed at once, so that a large picture needs little more than its own memory."""


def eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return values of any depth as uint8 in 0..255, the shape unchanged.

    Sixteen bits often hold fewer: a camera of 12 bits stores 0..4095. A picture's depth is therefore taken to be the
    smallest of 8, 10, 12, 14 and 16 bits that its highest value fits; a wider picture has its highest value as white.
    A nearly black picture of 16 bits may so come out brighter, a picture of 12 bits never black. Negative values become
    0, and floats of which none is above 1 count as shares of white.

    Raises:
        DataError: a value is not finite.
    """
    if values.dtype == np.uint8:
        return values
    top = values.max(initial=0)
    if not np.isfinite(top) or (values.dtype.kind == "f" and not np.isfinite(values).all()):
        raise DataError("the picture holds values that are not finite numbers; replace them first")
    if values.dtype.kind == "f" and top <= 1:
        white = 1.0
    else:
        white = next((float(most) for most in DEPTHS if top <= most), float(top))
    if values.dtype == np.uint16:
        of_each: NDArray[np.uint8] = _scaled(np.arange(2**16), white)[values]
        return of_each
    return _scaled(values, white)


def _scaled(values: NDArray[Any], white: float) -> NDArray[np.uint8]:
    scaled: NDArray[np.uint8] = np.clip(values * (255 / white), 0, 255).round().astype(np.uint8)
    return scaled


def lay_on_white(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an (H, W, 4) uint8 RGBA picture as (H, W, 3) RGB, its transparent pixels white."""
    result = np.empty((*picture.shape[:2], 3), np.uint8)
    for top in range(0, len(picture), _BAND):
        band = picture[top : top + _BAND].astype(np.uint16)
        colour, alpha = band[:, :, :3], band[:, :, 3:]
        result[top : top + _BAND] = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return result

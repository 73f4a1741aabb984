"""Regions of a picture as crops, and the text mask of a picture from those of its regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array
from segrec.core.polygons import cut_region, lay_region
from segrec.pages.editing import without_bars
from segrec.pages.quadrangles import Points

TextMasks = Callable[[Sequence[Array]], Sequence[NDArray[np.float32]]]
"""Gives the masks of crops, (H, W) float32 in [0, 1]."""


def page_mask(text_masks: TextMasks, picture: Array, outlines: Sequence[Points]) -> NDArray[np.float32]:
    """Return the text mask (H, W) float32 in [0, 1] of a picture, 0 outside the outlines.

    Args:
        text_masks: of the words that are cut out.
        picture: (H, W, 3) uint8 RGB.
        outlines: (P, 2) x and y in pixels; those thinner than half a pixel are left out.

    Raises:
        ValueError: an outline has another shape.
    """
    cut = [(outline, cut_numbered(picture, outline, number)) for number, outline in enumerate(outlines)]
    whole = [(outline, crop) for outline, crop in cut if crop is not None]
    canvas = np.zeros(picture.shape[:2], np.float32)
    for (outline, _), mask in zip(whole, text_masks([crop for _, crop in whole]), strict=True):
        lay_region(canvas, without_bars(mask), outline)
    return np.clip(canvas, 0, 1, out=canvas)


def cut_numbered(picture: Array, polygon: NDArray[Any], number: int) -> Array | None:
    """Return a region as a crop, None where it is thinner than half a pixel; errors name its number."""
    try:
        return cut_region(picture, polygon)
    except ValueError as error:
        raise ValueError(f"polygon {number}: {error}") from error

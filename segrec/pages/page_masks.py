"""Regions of a picture as crops, and the text mask of a picture from those of its regions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.errors import DataError
from segrec.core.images import Array
from segrec.core.polygons import Laid, cut_region, laid_region, region_size
from segrec.pages.ink import without_bars
from segrec.pages.quadrangles import Points
from segrec.pages.tiled_mask import TiledMask

TextMasks = Callable[[Sequence[Array]], Sequence[NDArray[np.float32]]]
"""Gives the masks of crops, (H, W) float32 in [0, 1]."""
MOST_CUT = 32_000_000
"""Pixels of all crops of one picture together."""
AT_ONCE = 2_000_000
"""Pixels of crops that are in memory while a picture's mask is made."""


def page_mask(text_masks: TextMasks, picture: Array, outlines: Sequence[Points]) -> TiledMask:
    """Return the text mask (H, W) float32 in [0, 1] of a picture, 0 outside the outlines.

    Args:
        text_masks: of the words that are cut out.
        picture: (H, W, 3) uint8 RGB.
        outlines: (P, 2) x and y in pixels; those thinner than half a pixel are left out.

    Raises:
        DataError: the crops would have more than `MOST_CUT` pixels.
        ValueError: an outline has another shape.
    """
    mask = TiledMask((picture.shape[0], picture.shape[1]))
    for laid in _laid_masks(text_masks, picture, outlines):
        mask.lay(*laid)
    return mask


def _laid_masks(text_masks: TextMasks, picture: Array, outlines: Sequence[Points]) -> Iterator[Laid]:
    """Yield the words' masks where they lie in the picture, in [0, 1]."""
    size = picture.shape[0], picture.shape[1]
    for some in _in_parts(outlines, crop_areas(outlines)):
        cut = [(outline, cut_region(picture, outline)) for outline in some]
        whole = [(outline, crop) for outline, crop in cut if crop is not None]
        for (outline, _), mask in zip(whole, text_masks([crop for _, crop in whole]), strict=True):
            for laid in laid_region(without_bars(mask), outline, size):
                yield laid._replace(values=np.clip(laid.values, 0, 1, out=laid.values))


def _in_parts(outlines: Sequence[Points], areas: Sequence[int]) -> Iterator[Sequence[Points]]:
    """Yield the outlines in order, at most about `AT_ONCE` pixels of crops at once."""
    first, pixels = 0, 0
    for place, area in enumerate(areas):
        if pixels and pixels + area > AT_ONCE:
            yield outlines[first:place]
            first, pixels = place, 0
        pixels += area
    if first < len(outlines):
        yield outlines[first:]


def cut_regions(picture: Array, outlines: Sequence[NDArray[Any]]) -> list[Array | None]:
    """Return regions as crops, (h, w, 3) uint8 RGB, None for those thinner than half a pixel.

    Raises:
        DataError: the crops would have more than `MOST_CUT` pixels.
        ValueError: a region has another shape; it names its number.
    """
    crop_areas(outlines)
    return [cut_region(picture, outline) for outline in outlines]


def crop_areas(outlines: Sequence[NDArray[Any]]) -> list[int]:
    """Return the pixels of the crop of each region; for errors see `cut_regions`."""
    areas = []
    for number, outline in enumerate(outlines):
        try:
            height, width = region_size(outline)
        except ValueError as error:
            raise ValueError(f"polygon {number}: {error}") from error
        areas.append(height * width)
    if sum(areas) > MOST_CUT:
        raise DataError(
            f"the {len(areas):,} polygons have {sum(areas) / 1e6:,.0f} megapixels together, more than "
            f"{MOST_CUT // 10**6} of one picture; give fewer at once"
        )
    return areas

"""Pictures as the public recognizers prepare them: resampled by Pillow, and made grey as Pillow does."""

from __future__ import annotations

import numpy as np
from PIL import Image

from segrec.core.images import Array, Interpolation


def resample(array: Array, size: tuple[int, int], interpolation: Interpolation = "bilinear") -> Array:
    """Return a uint8 (H, W) or (H, W, 3) array at `size` (height, width), smoothed when shrinking, by Pillow.

    The public recognizers prepare their input with `PIL.Image.resize`, whose filters widen as a picture shrinks.
    """
    if array.shape[:2] == tuple(size):
        return array
    method = {
        "nearest": Image.Resampling.NEAREST,
        "bilinear": Image.Resampling.BILINEAR,
        "bicubic": Image.Resampling.BICUBIC,
        "area": Image.Resampling.BOX,
    }[interpolation]
    return np.asarray(Image.fromarray(array).resize((size[1], size[0]), method), dtype=np.uint8)


def resample_mask(mask: Array, size: tuple[int, int]) -> Array:
    """Return an (H, W) uint8 mask at `size` (height, width): bilinear, smoothed along each side that shrinks.

    Every recognizer's mask goes this way once, whatever filter its images take: bicubic overshoots at strokes.
    """
    return resample(mask, size, "bilinear")


def to_grey(image: Array) -> Array:
    """Return the ITU-R 601 luma of an (H, W, 3) RGB image as (H, W) uint8, as Pillow rounds it."""
    return np.asarray(Image.fromarray(image).convert("L"), dtype=np.uint8)

"""EasyOCR's inputs: the network's height, the width of the image's ratio, and its right edge repeated beyond."""

from __future__ import annotations

import math

import numpy as np

from segrec.core.images import Array, resize
from segrec.core.resampling import resample

Size = tuple[int, int]

MOST_ELONGATED = 32
"""Times that an image may be as long as it is thick; longer ones are squeezed."""


def kept_width(image: Size, height: int) -> int:
    """Return the width of an image (height, width) brought to another height, in pixels.

    It is rounded down. An image higher than wide is first enlarged until its width is `height`, and rounded there, see
    `shrunk_tall`; its width is then rounded up.
    """
    if image[1] >= image[0]:
        return int(height * _elongation(image))
    return math.ceil(height * (height / _tall(image, height)))


def padded_width(image: Size, height: int) -> int:
    """Return the width of the input of an image (height, width): whole heights, as many as the image is long."""
    return math.ceil(_elongation(image)) * height


def continued(content: Array, width: int, *, has_mask: bool) -> Array:
    """Return `content` (C, H, w) continued to (C, H, width) by its right edge; a mask, its last channel, by zeros."""
    channels, height, own = content.shape
    if own == width:
        return content
    padded = np.empty((channels, height, width), np.uint8)
    padded[:, :, :own] = content
    padded[:, :, own:] = content[:, :, -1:]
    if has_mask:
        padded[-1, :, own:] = 0
    return padded


def shrunk_tall(picture: Array, size: Size) -> Array:
    """Return a picture (H, W) or (H, W, 3), higher than wide, at `size`, by EasyOCR's two steps.

    It is brought to the width that is to be its height, and only then to its size: first by OpenCV's bilinear filter,
    then by Pillow's bicubic one.
    """
    height = size[0]
    enlarged = resize(picture, (_tall((picture.shape[0], picture.shape[1]), height), height), "bilinear")
    return resample(enlarged, size, "bicubic")


def _tall(image: Size, width: int) -> int:
    """Return the height of an image higher than wide when it is `width` wide."""
    return int(width * _elongation(image))


def _elongation(image: Size) -> float:
    """Longer by shorter side, by EasyOCR's own divisions, whose rounding decides about a pixel."""
    ratio = image[1] / image[0]
    return min(ratio if ratio >= 1 else 1.0 / ratio, MOST_ELONGATED)

"""The way from a picture of any size to the network's input, and of the network's maps back to that size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.bit_depth import eight_bits, lay_on_white
from segrec.core.images import Array, resize

STRIDE = 16
"""Height and width in the network must be multiples of this: the encoder halves its maps four times."""

SCENE_HEIGHT = 384
"""Default: pictures taller than this are scenes, the others are word crops."""

TALL = 1.5
"""Word crops higher than this many times their width are turned a quarter on their way through the network.

At the working height they would be a few pixels wide, and most hold a word that runs up or down.
"""

LONGEST_CROP = 960
"""Word crops are not enlarged beyond this side, so that a picture of one row by thousands of columns stays small."""


def as_rgb(image: object, position: int) -> Array:
    """Return a picture as (H, W, 3) uint8 RGB; grey is repeated, transparent pixels are laid on white.

    Args:
        image: uint8 or uint16 array (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA, at least 1x1; for what white
            is in 16 bits see `segrec.core.bit_depth.eight_bits`.
        position: place of the picture in the user's list, for the message.

    Raises:
        ValueError: for anything else.
    """
    expected = f"image {position} must be a uint8 array (H, W), (H, W, 3) or (H, W, 4) of at least 1x1 pixels"
    if not isinstance(image, np.ndarray):
        raise ValueError(f"{expected}, got {type(image).__name__}")
    shape_fits = image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (1, 3, 4))
    if image.dtype not in (np.uint8, np.uint16) or not shape_fits or not image.size:
        raise ValueError(f"{expected}, got {image.dtype} {image.shape}{_remedy(image)}")
    image = eight_bits(image)
    if image.ndim == 2:
        image = image[:, :, None]
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    return image if image.shape[2] == 3 else lay_on_white(image)


def _remedy(image: NDArray[Any]) -> str:
    """Return how an array of another type becomes a picture, to be added to a message."""
    if image.dtype.kind == "b":
        return "; convert it: image.astype(np.uint8) * 255"
    if image.dtype.kind == "f":
        return "; convert it: (image * 255).round().astype(np.uint8), without * 255 where 255 is white"
    if image.dtype.kind in "iu" and image.dtype.itemsize > 1:
        return "; convert it: image.astype(np.uint8), or np.uint16 for values above 255"
    return ""


def is_scene(size: tuple[int, int], scene_height: int | None) -> bool:
    """Return whether a picture of (height, width) is a scene, not a word crop; None takes none for one."""
    return scene_height is not None and size[0] > scene_height


def is_tall(size: tuple[int, int], scene_height: int | None = SCENE_HEIGHT) -> bool:
    """Return whether a picture of (height, width) is a word crop that enters the network turned, see `TALL`."""
    return not is_scene(size, scene_height) and size[0] > TALL * size[1]


def turned(array: NDArray[Any], quarters: int = 1) -> NDArray[Any]:
    """Return a picture or mask (H, W, ...) turned by quarter turns, counterclockwise."""
    return np.ascontiguousarray(np.rot90(array, quarters))


def working_size(
    size: tuple[int, int], *, height: int, scene_height: int | None = SCENE_HEIGHT, longest_side: int | None = None
) -> tuple[int, int]:
    """Return the (height, width) at which a picture enters the network, before padding; its aspect ratio is kept.

    A word crop gets the height `height`, or less where that would enlarge it beyond `LONGEST_CROP`. A scene keeps its
    size.

    Args:
        size: (height, width) of the picture.
        height: the network's working height for word crops.
        scene_height: pictures taller than this are scenes; None treats every picture as a word crop.
        longest_side: limit of both sides, to which larger pictures are shrunk; None is no limit.
    """
    longest = max(size)
    scale = 1.0 if is_scene(size, scene_height) else min(height / size[0], max(1.0, LONGEST_CROP / longest))
    if longest_side is not None:
        scale = min(scale, longest_side / longest)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def mask_size(size: tuple[int, int], working: tuple[int, int]) -> tuple[int, int]:
    """Return the (height, width) at which a picture's mask keeps all that the network gave: the larger of two sizes.

    Args:
        size: (height, width) of the picture.
        working: that size in the network, of the same aspect ratio, see `working_size`.
    """
    return working if working[0] > size[0] else size


def padded(image: Array) -> Array:
    """Return `image` (H, W, 3) with its last row and column repeated up to the next multiples of 16."""
    return image if not any(side % STRIDE for side in image.shape[:2]) else padded_batch([image])[0]


def padded_batch(images: Sequence[Array]) -> Array:
    """Return (N, H, W, 3) of N pictures (h, w, 3) that have one size once `padded`."""
    height, width = (-(-side // STRIDE) * STRIDE for side in images[0].shape[:2])
    batch = np.empty((len(images), height, width, 3), np.uint8)
    for place, image in zip(batch, images, strict=True):
        bottom, right = image.shape[:2]
        place[:bottom, :right] = image
        place[:bottom, right:] = image[:, -1:]
        place[bottom:] = place[bottom - 1]
    return batch


def rescale(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return `array` resampled to `size`: averaged when it shrinks, so that strokes do not alias, else bilinear."""
    shrinks = size[0] < array.shape[0] or size[1] < array.shape[1]
    return np.ascontiguousarray(resize(array, size, "area" if shrinks else "bilinear"))

"""Pictures edited along their text mask: text recoloured, erased, or copied onto another picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.errors import DataError
from segrec.core.images import Array, resize
from segrec.pages.ink import Mask, Window, groups, ink
from segrec.pages.text_layers import LIGHT, MARGIN, REACH, Layers, blurred, fill_in, layer_tiles, take_apart
from segrec.pages.tiled_mask import TiledMask

Floats = NDArray[np.float32]
SHADE = (0.6, 1.5)
"""Least and most by which a new colour follows the light on the old text."""
MOST_BYTES = 700_000_000
"""Of a picture that is edited, its mask, and what is in memory for the largest piece of its text."""
BYTES_A_PIXEL = 32
"""Of the rectangle around such a piece, measured."""
BAND = 256
"""Rows of a picture on which text is laid at once."""


def erase_text(image: Array, mask: NDArray[Any]) -> Array:
    """Return the picture with its text filled in from around it (Telea's inpainting).

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) float32 in [0, 1], the text mask.

    Raises:
        DataError: the text covers too much of too large a picture.
        ValueError: the image or the mask is not such an array.
    """
    result = image.copy()
    erase_in(result, mask)
    return result


def recolor_text(image: Array, mask: NDArray[Any], color: tuple[int, int, int]) -> Array:
    """Return the picture with its text in another colour; soft edges stay soft, and light and shade on it stay.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) float32 in [0, 1], the text mask.
        color: RGB, each 0..255.

    Raises:
        DataError: the text covers too much of too large a picture.
        ValueError: the image, the mask or the colour is nothing such.
    """
    result = image.copy()
    recolor_in(result, mask, color)
    return result


def copy_text(image: Array, mask: NDArray[Any], target: Array) -> Array:
    """Return another picture with the text of this one laid on it.

    The text keeps its own colours. It is scaled as this picture would be to fit into the other one, and its middle
    comes to the same shares of width and height.

    Args:
        image: (H, W, 3) uint8 RGB, whose text it is.
        mask: (H, W) float32 in [0, 1], its text mask.
        target: (h, w, 3) uint8 RGB.

    Raises:
        DataError: the text covers too much of too large a picture.
        ValueError: the images or the mask are not such arrays.
    """
    result = target.copy()
    copy_into(result, image, mask)
    return result


def erase_in(picture: Array, mask: Mask) -> None:
    """Do what `erase_text` does in the picture itself, which may be large; the mask may be in tiles."""
    _check(picture, mask)
    found = ink(mask)
    _check_room(_boxes(found, MARGIN), picture.nbytes + found.nbytes + mask.nbytes)
    fill_in(picture, found)


def recolor_in(picture: Array, mask: Mask, color: tuple[int, int, int]) -> None:
    """Do what `recolor_text` does in the picture itself, which may be large; the mask may be in tiles."""
    if len(color) != 3 or not all(0 <= value <= 255 for value in color):
        raise ValueError(f"color must be three values in 0..255, got {color}")
    _check(picture, mask)
    found = ink(mask)
    _check_room(_boxes(found, REACH), picture.nbytes + found.nbytes + mask.nbytes)
    for window, part in groups(found, apart=REACH, margin=REACH):
        shown, image = picture[window], picture[window].copy()
        ground = image.copy()
        fill_in(ground, part)
        for tile, around, layers in layer_tiles(image, ground, part, mask, window):
            own, inner = part[tile] > 0, tile.within(around)
            light = layers.text.mean(axis=2)
            shade = np.clip(light / np.maximum(blurred(light, layers.opacity, LIGHT), 1), *SHADE)[:, :, None]
            colors = np.asarray(color, np.float32) * shade
            shown[tile][own] = _laid(layers.ground[inner][own], colors[inner][own], layers.opacity[inner][own])


def copy_into(target: Array, image: Array, mask: Mask) -> None:
    """Do what `copy_text` does in the target itself; pictures may be large, and the mask may be in tiles."""
    _check(target)
    _check(image, mask)
    found = ink(mask)
    size = image.shape[0], image.shape[1]
    rows, columns = (np.flatnonzero(found.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    window = Window(slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)).grown(REACH, size)
    scale = min(target.shape[0] / size[0], target.shape[1] / size[1])
    areas = [window.size[0] * window.size[1] * max(1.0, scale * scale)]
    _check_room(areas, target.nbytes + image.nbytes + found.nbytes + mask.nbytes)
    layers = take_apart(image, mask, found, window)
    _lay_scaled(target, layers, window, size)


def _lay_scaled(target: Array, layers: Layers, window: Window, size: tuple[int, int]) -> None:
    """Lay the text of a window of a picture of (height, width) on another picture, scaled to that."""
    rows, columns = (np.flatnonzero(layers.opacity.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    inked = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    scale = min(target.shape[0] / size[0], target.shape[1] / size[1])
    new = max(1, round((bottom - top) * scale)), max(1, round((right - left) * scale))
    method: Any = "area" if scale < 1 else "bilinear"
    text, opacity = (resize(np.ascontiguousarray(layer[inked]), new, method) for layer in (layers.text, layers.opacity))
    middle = (top + bottom) / 2 + window.rows.start, (left + right) / 2 + window.columns.start
    first, second = (
        min(max(round(at / whole * side - length / 2), 0), side - length)
        for at, whole, side, length in zip(middle, size, target.shape[:2], new, strict=True)
    )
    shown = target[first : first + new[0], second : second + new[1]]
    for band in range(0, new[0], BAND):
        part = slice(band, band + BAND)
        shown[part] = _laid(shown[part], text[part], opacity[part])


def _laid(ground: Array, text: Floats, opacity: Floats) -> Array:
    """Return (..., 3) uint8 RGB: text (..., 3) on the ground (..., 3), by its opacity (...)."""
    share = opacity[..., None]
    return np.asarray((ground * (1 - share) + text * share).round().clip(0, 255), np.uint8)


def _boxes(found: Array, reach: int) -> list[float]:
    """Return the pixels of the rectangles around groups of text."""
    return [float(part.size) for _, part in groups(found, apart=reach, margin=reach)]


def _check_room(areas: Sequence[float], held: int) -> None:
    """Refuse a text whose largest rectangle, in pixels, takes too much memory beside the bytes that are held."""
    largest = max(areas, default=0.0)
    if held + largest * BYTES_A_PIXEL > MOST_BYTES:
        raise DataError(
            f"text that covers {largest / 1e6:.0f} megapixels in one piece takes more than {MOST_BYTES // 10**6} MB to "
            "edit; shrink the picture first, or name fewer words"
        )


def _check(image: Array, mask: Mask | None = None) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"the image must be (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    if mask is None:
        return
    if mask.shape != image.shape[:2]:
        raise ValueError(f"the mask must be {image.shape[:2]} like the image, got {mask.shape}")
    if isinstance(mask, TiledMask):
        return
    if not np.issubdtype(mask.dtype, np.floating) or not (mask.min() >= 0 and mask.max() <= 1):
        raise ValueError("the mask must be float in [0, 1]; divide one of 0..255 by 255")

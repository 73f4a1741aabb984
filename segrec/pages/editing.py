"""Pictures edited along their text mask: text recoloured, erased, or copied onto another picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv, resize

Floats = NDArray[np.float32]
SURE, MAYBE = 0.6, 0.15
"""Mask values from which a pixel is text and from which it may be touched by a stroke's soft edge."""
CONTRAST = 24.0
"""Distance in RGB, 0..255, of text and ground below which a pixel's share of text is taken from the mask instead."""
INPAINT_RADIUS = 4
MARGIN = 24
"""Pixels of ground around text that inpainting sees."""
BAR_HEIGHT, BAR_WIDTH = 0.9, 0.12
"""From which and up to which share of a word's height a stroke at its left or right end is the edge of a board."""
SHADE = (0.6, 1.5)
"""Least and most by which a new colour follows the light on the old text."""


class Layers(NamedTuple):
    """A picture taken apart into its text and its ground.

    Attributes:
        opacity: (H, W) float32 in [0, 1], how much of each pixel is text.
        text: (H, W, 3) float32 in 0..255, the colour of the text there.
        ground: (H, W, 3) uint8 RGB, the picture without its text.
    """

    opacity: Floats
    text: Floats
    ground: Array


def erase_text(image: Array, mask: NDArray[Any]) -> Array:
    """Return the picture with its text filled in from around it (Telea's inpainting).

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) float32 in [0, 1], the text mask.

    Raises:
        ValueError: the image or the mask is not such an array.
    """
    _check(image, mask)
    cv2 = opencv()
    result = image.copy()
    hole = _touched(mask)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(cv2.dilate(hole, np.ones((MARGIN,) * 2, np.uint8)))
    for number in range(1, count):
        left, top, width, height = boxes[number, :4].tolist()
        window = np.s_[top : top + height, left : left + width]
        part = np.where(labels[window] == number, hole[window], np.uint8(0))
        result[window] = np.where(
            part[:, :, None] > 0, _filled(np.ascontiguousarray(image[window]), part), result[window]
        )
    return result


def recolor_text(image: Array, mask: NDArray[Any], color: tuple[int, int, int]) -> Array:
    """Return the picture with its text in another colour; soft edges stay soft, and light and shade on it stay.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) float32 in [0, 1], the text mask.
        color: RGB, each 0..255.

    Raises:
        ValueError: the image, the mask or the colour is nothing such.
    """
    if len(color) != 3 or not all(0 <= value <= 255 for value in color):
        raise ValueError(f"color must be three values in 0..255, got {color}")
    layers = take_apart(image, mask)
    light = layers.text.mean(axis=2)
    shade = np.clip(light / np.maximum(_blurred(light, layers.opacity, 4 * MARGIN), 1), *SHADE)[:, :, None]
    return _laid(layers.ground, np.asarray(color, np.float32) * shade, layers.opacity)


def copy_text(image: Array, mask: NDArray[Any], target: Array) -> Array:
    """Return another picture with the text of this one laid on it.

    The text keeps its own colours. It is scaled as this picture would be to fit into the other one, and its middle
    comes to the same shares of width and height.

    Args:
        image: (H, W, 3) uint8 RGB, whose text it is.
        mask: (H, W) float32 in [0, 1], its text mask.
        target: (h, w, 3) uint8 RGB.

    Raises:
        ValueError: the images or the mask are not such arrays.
    """
    _check(target, np.zeros(target.shape[:2], np.float32))
    layers = take_apart(image, mask)
    rows, columns = (np.flatnonzero(layers.opacity.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return target.copy()
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    scale = min(target.shape[0] / image.shape[0], target.shape[1] / image.shape[1])
    size = max(1, round((bottom - top) * scale)), max(1, round((right - left) * scale))
    method: Any = "area" if scale < 1 else "bilinear"
    text, opacity = (
        resize(np.ascontiguousarray(layer[top:bottom, left:right]), size, method)
        for layer in (layers.text, layers.opacity)
    )
    first = round((top + bottom) / 2 / image.shape[0] * target.shape[0] - size[0] / 2)
    second = round((left + right) / 2 / image.shape[1] * target.shape[1] - size[1] / 2)
    first, second = min(max(first, 0), target.shape[0] - size[0]), min(max(second, 0), target.shape[1] - size[1])
    result = target.copy()
    window = result[first : first + size[0], second : second + size[1]]
    window[:] = _laid(window, text, opacity)
    return result


def without_bars(mask: Floats) -> Floats:
    """Return a word's mask (h, w) without the edges of the board that it stands on.

    Args:
        mask: (h, w) float32 in [0, 1]; a narrow upright stroke at its left or right end that reaches from the top to
            the bottom is not a letter, which a crop leaves some room.
    """
    cv2 = opencv()
    height, width = mask.shape
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((mask >= MAYBE).astype(np.uint8))
    result = mask
    for number in range(1, count):
        left, _, wide, high, _ = boxes[number].tolist()
        if (left == 0 or left + wide == width) and high >= BAR_HEIGHT * height and wide <= BAR_WIDTH * height:
            result = np.where(labels == number, np.float32(0), result)
    return result


def take_apart(image: Array, mask: NDArray[Any]) -> Layers:
    """Return a picture's text and its ground, such that laying one on the other gives the picture again.

    The ground is inpainted. A pixel's share of text is where its colour lies between that of the ground and that of the
    sure text around it; where these two hardly differ, what the mask says.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) float32 in [0, 1], the text mask.

    Raises:
        ValueError: the image or the mask is not such an array.
    """
    ground = erase_text(image, mask)
    touched = _touched(mask) > 0
    apart = np.square(image.astype(np.float32) - ground).sum(axis=2)  # ground under a mask that is too wide has none
    core = np.where(mask >= SURE, mask * apart, 0).astype(np.float32)
    text = _blurred(image.astype(np.float32), core, MARGIN // 2)
    along = text - ground
    contrast = np.linalg.norm(along, axis=2)
    share = ((image - ground.astype(np.float32)) * along).sum(axis=2) / np.maximum(contrast, 1) ** 2
    trust = np.clip(contrast / CONTRAST - 1, 0, 1)
    opacity = trust * np.clip(share, 0, 1) + (1 - trust) * np.asarray(mask, np.float32)
    opacity = np.where(touched, opacity, 0).astype(np.float32)
    own = np.where((opacity > 0.95)[:, :, None], image.astype(np.float32), text)
    return Layers(opacity, own, ground)


def _touched(mask: NDArray[Any]) -> Array:
    """Return 255 where text or its soft edge may be: the mask, grown by a share of its strokes' width."""
    cv2 = opencv()
    inside = (mask >= MAYBE).astype(np.uint8)
    if not inside.any():
        return inside
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    ridge = depth[depth >= 0.7 * cv2.dilate(depth, np.ones((5, 5), np.uint8))]
    grown = 1 + round(0.3 * float(np.median(ridge[ridge > 0])))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grown + 1,) * 2)
    return np.asarray(cv2.dilate(inside * np.uint8(255), kernel))


def _filled(image: Array, hole: Array) -> Array:
    cv2 = opencv()
    return np.asarray(cv2.inpaint(image, hole, INPAINT_RADIUS, cv2.INPAINT_TELEA))


def _blurred(values: Floats, weights: Floats, radius: int) -> Floats:
    """Return the mean of the values around each pixel, by weights; where there are none, as they are."""
    cv2 = opencv()
    size = (2 * radius + 1,) * 2
    total = cv2.blur(weights, size)
    spread = weights if values.ndim == 2 else weights[:, :, None]
    mean = cv2.blur(values * spread, size) / np.maximum(total if values.ndim == 2 else total[:, :, None], 1e-6)
    there = total > 1e-6
    return np.asarray(np.where(there if values.ndim == 2 else there[:, :, None], mean, values), np.float32)


def _laid(ground: Array, text: Floats, opacity: Floats) -> Array:
    share = opacity[:, :, None]
    return np.asarray((ground * (1 - share) + text * share).round().clip(0, 255), np.uint8)


def _check(image: Array, mask: NDArray[Any]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"the image must be (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    if mask.shape != image.shape[:2]:
        raise ValueError(f"the mask must be {image.shape[:2]} like the image, got {mask.shape}")
    if not np.issubdtype(mask.dtype, np.floating) or not (mask.min() >= 0 and mask.max() <= 1):
        raise ValueError("the mask must be float in [0, 1]; divide one of 0..255 by 255")

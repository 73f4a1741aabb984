"""A picture taken apart into its text and its ground, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv
from segrec.pages.ink import SURE, Mask, Window, groups, tiles

Floats = NDArray[np.float32]
CONTRAST = 24.0
"""Distance in RGB, 0..255, of text and ground below which a pixel's share of text is taken from the mask instead."""
INPAINT_RADIUS = 4
MARGIN = 24
"""Pixels of ground around text that inpainting sees."""
LIGHT = 4 * MARGIN
"""Pixels around one over which the light on a text is averaged."""
REACH = LIGHT + MARGIN // 2 + 4
"""Pixels beyond which nothing of a picture changes how a text is edited."""


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


def take_apart(image: Array, mask: Mask, found: Array, window: Window) -> Layers:
    """Return the text and the ground of a part of a picture, such that laying one on the other gives it again.

    The ground is inpainted. A pixel's share of text is where its colour lies between that of the ground and that of the
    sure text around it; where these two hardly differ, what the mask says.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) in [0, 1], the text mask.
        found: (H, W) uint8, what `segrec.pages.ink.ink` gives of the mask.
        window: the part.
    """
    ground = image[window].copy()
    fill_in(ground, found[window])
    opacity, text = np.zeros(window.size, np.float32), image[window].astype(np.float32)
    for tile, around, layers in layer_tiles(image[window], ground, found[window], mask, window):
        own = tile.within(around)
        opacity[tile], text[tile] = layers.opacity[own], layers.text[own]
    return Layers(opacity, text, ground)


def layer_tiles(
    image: Array, ground: Array, found: Array, mask: Mask, window: Window
) -> Iterator[tuple[Window, Window, Layers]]:
    """Yield the tiles of a part of a picture near text: the tile, the same with what is around it, and its layers.

    Args:
        image: (h, w, 3) uint8 RGB, the part.
        ground: (h, w, 3) uint8 RGB, the part without its text.
        found: (h, w) uint8, not 0 where text may be.
        mask: (H, W) in [0, 1], of the whole picture.
        window: where the part lies in that.
    """
    size = window.size
    for tile in tiles(size):
        around = tile.grown(REACH, size)
        if found[around].any():
            top, left = window.rows.start, window.columns.start
            place = slice(around.rows.start + top, around.rows.stop + top)
            across = slice(around.columns.start + left, around.columns.stop + left)
            yield tile, around, _layers(image[around], ground[around], mask[place, across], found[around] > 0)


def _layers(image: Array, ground: Array, mask: Floats, touched: NDArray[np.bool_]) -> Layers:
    apart = np.square(image.astype(np.float32) - ground).sum(axis=2)  # ground under a mask that is too wide has none
    core = np.where(mask >= SURE, mask * apart, 0).astype(np.float32)
    text = blurred(image.astype(np.float32), core, MARGIN // 2)
    along = text - ground
    contrast = np.linalg.norm(along, axis=2)
    share = ((image - ground.astype(np.float32)) * along).sum(axis=2) / np.maximum(contrast, 1) ** 2
    trust = np.clip(contrast / CONTRAST - 1, 0, 1)
    opacity = trust * np.clip(share, 0, 1) + (1 - trust) * np.asarray(mask, np.float32)
    opacity = np.where(touched, opacity, 0).astype(np.float32)
    own = np.where((opacity > 0.95)[:, :, None], image.astype(np.float32), text)
    return Layers(opacity, own, ground)


def fill_in(picture: Array, hole: Array) -> None:
    """Fill the picture in where the hole is not 0, from around it (Telea's inpainting).

    Args:
        picture: (h, w, 3) uint8 RGB, changed; a part of a picture with at least `MARGIN` around the hole.
        hole: (h, w) uint8.
    """
    cv2 = opencv()
    for window, part in groups(hole, apart=MARGIN, margin=MARGIN):
        image = np.ascontiguousarray(picture[window])
        count, labels, boxes, _ = cv2.connectedComponentsWithStats(cv2.dilate(part, np.ones((MARGIN,) * 2, np.uint8)))
        for number in range(1, count):
            left, top, width, height = boxes[number, :4].tolist()
            box = np.s_[top : top + height, left : left + width]
            own = np.where(labels[box] == number, part[box], np.uint8(0))
            filled = cv2.inpaint(np.ascontiguousarray(image[box]), own, INPAINT_RADIUS, cv2.INPAINT_TELEA)
            picture[window][box][own > 0] = filled[own > 0]


def blurred(values: Floats, weights: Floats, radius: int) -> Floats:
    """Return the mean of the values around each pixel, by weights; where there are none, as they are.

    Args:
        values: (h, w) or (h, w, 3).
        weights: (h, w), none negative.
        radius: of the square around a pixel.
    """
    cv2 = opencv()
    size = (2 * radius + 1,) * 2
    total = cv2.blur(weights, size)
    spread = weights if values.ndim == 2 else weights[:, :, None]
    mean = cv2.blur(values * spread, size) / np.maximum(total if values.ndim == 2 else total[:, :, None], 1e-6)
    there = total > 1e-6
    return np.asarray(np.where(there if values.ndim == 2 else there[:, :, None], mean, values), np.float32)

"""A picture with what was read in it: strokes tinted, words outlined and written beside their outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segrec.core.images import Array, opencv
from segrec.core.polygons import laid_region
from segrec.pages.word import ReadPicture, Word
from segrec.rendering.fonts import load_font
from segrec.reports.drawing import write
from segrec.reports.overlay import LINE_SHARE, mask_levels, outline_in

LABEL_SHARE = 60
"""Labels are as high as the picture's longest side by this, at least `SMALLEST_LABEL` pixels."""
SMALLEST_LABEL = 11


def page_overlay(picture: ReadPicture) -> Array:
    """Return the picture (H, W, 3) uint8 RGB of a page or crop with its masks, outlines and readings.

    Args:
        picture: one that was read.

    Raises:
        ValueError: it was not.
    """
    drawn = replace(picture, image=None if picture.image is None else picture.image.copy())
    return overlay_in(drawn)


def overlay_in(picture: ReadPicture) -> Array:
    """Do what `page_overlay` does in the array of the picture itself, which may be large, and return that."""
    if picture.image is None:
        raise ValueError(f"{picture.name} was not read: {picture.problem}")
    drawn = picture.image
    outline_in(drawn, _mask(picture.words, (drawn.shape[0], drawn.shape[1])))
    height = max(SMALLEST_LABEL, max(drawn.shape) // LABEL_SHARE)
    for word in picture.words if picture.is_page else ():
        corners = np.round(picture.outline(word)).astype(np.int32)
        _draw_outline(drawn, corners)
        left, top = corners.min(axis=0).tolist()
        _label(drawn, word.text, height, left=max(0, left), baseline=max(height, top - 3))
    return drawn


def _mask(words: Sequence[Word], size: tuple[int, int]) -> Array:
    """Return the masks of all words together, (H, W) uint8, 0..255."""
    levels = np.zeros(size, np.uint8)
    for word in words:
        if word.polygon is None:
            np.maximum(levels, mask_levels(word.mask), out=levels)
        elif word.text:
            for rows, columns, values in laid_region(word.mask, word.polygon, size):
                shown = levels[rows, columns]
                np.maximum(shown, mask_levels(np.clip(values, 0, 1, out=values)), out=shown)
    return levels


def _draw_outline(canvas: Array, corners: np.ndarray) -> None:
    """Draw a closed line that is white with black sides, so that it is seen on any ground."""
    cv2 = opencv()
    thickness = max(1, round(max(canvas.shape) / LINE_SHARE))
    for color, width in (((0, 0, 0), thickness + 2), ((255, 255, 255), thickness)):
        cv2.polylines(canvas, [corners], isClosed=True, color=color, thickness=width, lineType=cv2.LINE_AA)


def _label(canvas: Array, text: str, height: int, *, left: int, baseline: int) -> None:
    """Write a word black on white."""
    width = round(load_font("", height).getlength(text)) + 2
    canvas[max(0, baseline - height) : baseline + height // 4, left : left + width] = 255
    write(canvas, text, height, left=left + 1, baseline=baseline)

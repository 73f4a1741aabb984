"""Clean words in print, with the pixels of their letters, for tests that read."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segrec.core.images import Array

INK, GROUND = (30, 40, 120), (200, 190, 150)


def letters(text: str, *, outline: int = 0) -> Array:
    """Return (H, W) uint8 coverage of a word with a margin, grown by `outline` pixels."""
    font = ImageFont.load_default(40)
    left, top, right, bottom = font.getbbox(text)
    page = Image.new("L", (int(right - left) + 28, int(bottom - top) + 28))
    ImageDraw.Draw(page).text((14 - left, 14 - top), text, fill=255, font=font, stroke_width=outline)
    return np.asarray(page, dtype=np.uint8)


def painted(*layers: tuple[Array, tuple[int, int, int]], ground: tuple[int, int, int] = GROUND) -> Array:
    """Return an (H, W, 3) uint8 RGB picture of coverages in colours, one over the other, with a little noise."""
    picture = np.full((*layers[0][0].shape, 3), ground, np.float32)
    for coverage, color in layers:
        picture += (np.array(color, np.float32) - picture) * (coverage[:, :, None] / np.float32(255))
    picture += np.random.default_rng(0).normal(0, 3, picture.shape)
    return np.asarray(picture.clip(0, 255), dtype=np.uint8)


def printed(text: str) -> Array:
    """Return a picture of a word, dark blue on a yellowish ground."""
    return painted((letters(text), INK))

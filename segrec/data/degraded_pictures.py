"""Clear pictures of words made hard to read, while what is known about their pixels stays."""

from __future__ import annotations

import numpy as np

from segrec.core.images import Array, decode_image, encode_jpeg, resize
from segrec.data.rendering import hard

EM_SHARE = 0.7
"""Pixels an em in a crop, as a part of its height."""
SHRUNK_SHARE = 0.6
"""How many pictures become as small as bad crops are, and are enlarged again."""
LEAST_CLEARNESS = 0.75
"""See `hard.clearness`; of photographs fewer levels of contrast can be asked than of rendered words."""


def degraded(image: Array, strokes: Array, rng: np.random.Generator) -> Array:
    """Return the picture, (H, W, 3) uint8 RGB, in bad light, out of focus, small, noisy and badly compressed.

    Each comes at times; the size stays and nothing moves, so that masks still fit. What no human could read is drawn
    again, a few times.

    Args:
        image: (H, W, 3) uint8 RGB.
        strokes: (H, W) uint8, 255 where there is ink.
        rng: draws everything.
    """
    clearest, best = image, -np.inf
    for _ in range(hard.TRIES):
        found = _photographed(image, strokes, rng)
        clearness = hard.clearness(found, strokes)
        if clearness > best:
            clearest, best = found, clearness
        if best >= LEAST_CLEARNESS:
            break
    return clearest


def _photographed(image: Array, strokes: Array, rng: np.random.Generator) -> Array:
    size, em = (image.shape[0], image.shape[1]), EM_SHARE * image.shape[0]
    taken = hard.final_size(size, round(em), rng) if rng.random() < SHRUNK_SHARE else size
    small, _ = hard.photograph_badly(image, strokes, taken, rng, em=em)
    small = decode_image(encode_jpeg(small, int(rng.integers(*hard.QUALITIES))))
    return np.asarray(resize(small, size, "bicubic"), dtype=np.uint8)

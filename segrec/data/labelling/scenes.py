"""The pixel mask of a photograph from those of its words, each verified by reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter.datasets.base import Polygon, SceneWord
from segrec.core.images import Array, opencv, resize
from segrec.core.mask_values import IGNORE, ON
from segrec.core.polygons import cut_region, laid_region, polygon_mask, region_size
from segrec.data.labelling.acceptance import Verdict, Verifier, label_mask
from segrec.data.labelling.reasons import THRESHOLD, Reason

INK, DOUBTFUL = 0.5, 0.3
"""Shares of a pixel from which it is ink, and from which it is doubtful."""
EDGE = np.ones((3, 3), np.uint8)
"""By how much the outline of a word without a mask is widened: its strokes may touch it."""


class SceneTruth(NamedTuple):
    """What is known of a photograph's text.

    Attributes:
        text: (H, W) uint8: 255 = ink of a verified word, 0 = none, 128 = not known.
        refused: why words have no mask, one reason each.
        accepted: how many words have one.
    """

    text: Array
    refused: list[Reason]
    accepted: int


def label_scene(
    image: Array, words: Sequence[SceneWord], verifier: Verifier, *, threshold: float = THRESHOLD
) -> SceneTruth:
    """Return the text mask of a photograph: the masks of the words that have one, and nothing outside all words.

    What lies in the outline of a word without a mask is not known, and that goes before the ink of a neighbour.

    Args:
        image: (H, W, 3) uint8 RGB.
        words: all of the photograph, the unreadable ones too: what is outside is taken for ground.
        verifier: see `label_mask`.
        threshold: see `label_mask`.
    """
    size = image.shape[0], image.shape[1]
    ink, doubt = np.zeros(size, np.float32), np.zeros(size, np.float32)
    unknown = np.zeros(size, np.uint8)
    refused: list[Reason] = []
    for word in words:
        verdict = _verdict(image, word, verifier, threshold)
        if verdict.mask is None:
            refused.append(verdict.reason or "unread")
            unknown |= opencv().dilate(polygon_mask(word.outline, size), EDGE)
        else:
            _lay(verdict.mask == ON, word.outline, ink)
            _lay(verdict.mask == IGNORE, word.outline, doubt)
    text = np.where(ink >= INK, np.uint8(ON), np.uint8(0))
    text[((doubt >= DOUBTFUL) & (ink < INK)) | (unknown > 0)] = IGNORE
    return SceneTruth(text, refused, len(words) - len(refused))


def _verdict(image: Array, word: SceneWord, verifier: Verifier, threshold: float) -> Verdict:
    if word.text is None:
        return Verdict(None, "unreadable")
    crop = cut_region(image, word.outline) if len(word.outline) > 3 else None
    if crop is None:
        return Verdict(None, "thin")
    return label_mask(crop, word.text, verifier, threshold=threshold)


def _lay(part: NDArray[np.bool_], outline: Polygon, canvas: NDArray[np.float32]) -> None:
    """Lay a part of a word's mask, of its crop's size or larger, on a picture of shares; the larger share counts."""
    shares = np.asarray(resize(part.astype(np.float32), region_size(outline), "area"), np.float32)
    for rows, columns, values in laid_region(shares, outline, (canvas.shape[0], canvas.shape[1])):
        np.maximum(canvas[rows, columns], values, out=canvas[rows, columns])

"""Words from crops that were read turned: which trial is taken, and its places in the crop and the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recognizers.decoding import Placed, Reading
from segmenter.preprocess import rescale
from segrec.core.polygons import region_points
from segrec.pages.character_boxes import character_quadrangles
from segrec.pages.quadrangles import Points
from segrec.pages.turns import Turned, turn_mask_back, turn_points_back
from segrec.pages.word import Word


def word_of_trial(found: Placed, mask: NDArray[np.float32], turned: Turned, size: tuple[int, int]) -> Word:
    """Return the word of a crop from its best trial.

    Args:
        found: the reading and the places of its characters.
        mask: (h, w) in [0, 1] of the turned crop, at its size or larger.
        turned: how the crop was turned.
        size: (height, width) of the crop.
    """
    reading, places = found
    seen = rescale(mask, turned.image.shape[:2])
    own = turn_mask_back(seen, turned.matrix, size)
    boxes = None
    if places is not None:
        boxes = turn_points_back(character_quadrangles(places, seen), turned.matrix)
    return Word(*reading, own, None, boxes)


def surest_trials(owners: Sequence[int], found: Sequence[Placed]) -> list[int]:
    """Return the number of each crop's best trial, of several equally good ones the first.

    Args:
        owners: which crop each trial is of, from 0 on and in order.
        found: what each read.
    """
    best: dict[int, int] = {}
    for trial, owner in enumerate(owners):
        if owner not in best or worth(found[trial].reading) > worth(found[best[owner]].reading):
            best[owner] = trial
    return list(best.values())


def worth(reading: Reading) -> float:
    """Return how many characters are expected to be right less those to be wrong, by which trials are compared.

    So neither a sure reading of one stroke nor an unsure one of many wins against a word.
    """
    return sum(2 * confidence - 1 for confidence in reading.character_confidences)


def in_picture(word: Word, outline: Points) -> Word:
    """Return the word of a region's crop with its places in the picture, whose pixels the outline (P, 2) is in."""
    boxes = word.character_boxes
    if boxes is not None:
        height, width = word.mask.shape
        boxes = region_points(outline, boxes / np.array([width, height]))
    return word._replace(polygon=outline, character_boxes=boxes)

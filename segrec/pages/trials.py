"""Words from crops that were read turned: which trial is taken, and its places in the crop and the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recognizers.decoding import Placed, Reading
from segmenter.preprocess import rescale
from segrec.core.polygons import region_points
from segrec.pages.character_boxes import character_quadrangles
from segrec.pages.quadrangles import Points
from segrec.pages.turns import Turned, turn_mask_back, turn_points_back
from segrec.pages.word import Word


class Trial(NamedTuple):
    """A crop as it was read.

    Attributes:
        found: the reading and the places of its characters.
        mask: (h, w) in [0, 1] of the turned crop, at its size or larger.
        turned: how the crop was turned.
        size: (height, width) of the crop.
    """

    found: Placed
    mask: NDArray[np.float32]
    turned: Turned
    size: tuple[int, int]


def words_of_trials(trials: Sequence[Trial]) -> list[Word]:
    """Return the words of crops from their best trials."""
    seen = [rescale(trial.mask, trial.turned.image.shape[:2]) for trial in trials]
    written = [(trial.found.places, mask) for trial, mask in zip(trials, seen, strict=True)]
    quadrangles = iter(character_quadrangles([(places, mask) for places, mask in written if places is not None]))
    return [
        Word(
            *trial.found.reading,
            turn_mask_back(mask, trial.turned.matrix, trial.size),
            None,
            None if trial.found.places is None else turn_points_back(next(quadrangles), trial.turned.matrix),
        )
        for trial, mask in zip(trials, seen, strict=True)
    ]


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

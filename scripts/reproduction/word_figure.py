"""Fig. 9: words that the predicted masks repaired, and words that they broke."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reproduction.reading_recipes import ReadingRecipe
from reproduction.record import Reproduction
from reproduction.sheets import Cell, draw_sheet
from segmenter.loading import load_segmenter
from segmenter.predictor import TorchSegmenter
from segrec.core.errors import DataError
from segrec.core.images import Array
from segrec.weights import resolve_weights

EACH = 4
"""Words of either kind, the first ones."""
CONTROL = "no mask"


def draw_words(recipe: ReadingRecipe, found: Reproduction, path: Path) -> None:
    """Write the figure: each word's crop and mask, what was read without a mask and with it, and what it says.

    The reading without a mask is that of the network tuned for as many steps without one. Both kinds of words are
    shown, as many of each as there are up to four, the first ones of the test sets.

    Args:
        recipe: of the table.
        found: Table IV(b).
        path: a .png file.

    Raises:
        DataError: there is no word of either kind, or no variant to compare.
    """
    chosen = [
        (architecture, title, word)
        for architecture in recipe.recognizers
        if {(architecture, CONTROL), (architecture, "predicted")} <= found.results.keys()
        for title, words in _changed(found, architecture).items()
        for word in words[:EACH]
    ]
    if not chosen or found.segmenter is None:
        raise DataError(f"{path}: predicted masks repaired no word and broke none, or were not run; see the table")
    network = TorchSegmenter(load_segmenter(resolve_weights(found.segmenter)), scene_height=None)
    draw_sheet(path, [_line(recipe, network, *one) for one in chosen], wide=True)


WordReadings = tuple[str, Mapping[str, Any], Mapping[str, Any]]
"""Key of the test set, and the word as it was read without and with the mask."""


def _changed(found: Reproduction, architecture: str) -> dict[str, list[WordReadings]]:
    """Return the words that the masks repaired and those that they broke, as the first seed read them."""
    before, after = (found.results[architecture, variant]["tests"] for variant in (CONTROL, "predicted"))
    pairs = [
        (test, first, second) for test in after for first, second in zip(before[test][0], after[test][0], strict=True)
    ]
    return {
        title: [word for word in pairs if (word[1]["correct"], word[2]["correct"]) == wanted]
        for title, wanted in (("repaired", (False, True)), ("broken", (True, False)))
    }


def _line(
    recipe: ReadingRecipe, network: TorchSegmenter, architecture: str, title: str, word: WordReadings
) -> list[Cell]:
    test, before, after = word
    image = recipe.words[test].database[before["index"] - 1].image
    picture: Array = np.zeros((32, 100, 3), dtype=np.uint8) if image is None else image
    mask = np.round(network.predict_text([picture])[0] * 255).astype(np.uint8)
    return [
        Cell(f"{architecture}, {title}: {before['label']}\nwithout a mask: {before['text'] or '(nothing)'}", picture),
        Cell(f"with the mask:\n{after['text'] or '(nothing)'}", mask),
    ]

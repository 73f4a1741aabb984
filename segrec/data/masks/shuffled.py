"""Masks of other words: a control that tells whether a recognizer looks at its mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.errors import DataError
from segrec.data.masks.codec import Mask
from segrec.data.masks.sources import MaskSource, Size
from segrec.data.words import WordLmdb


class ShuffledMasks:
    """Gives each word the mask of another one, stretched to its own size: text masks that say nothing of the word.

    Which one depends on the seed and the number of words alone. The words stand in a circle in random order and each
    takes the mask of the next one; words that cannot be read are passed over, and nobody gets its own.

    Args:
        source: of the words' own masks.
        words: the database.
        count: only its first words take part; all when None.
        seed: of the order.

    Raises:
        DataError: fewer than two words take part.
    """

    name = "shuffled"

    def __init__(self, source: MaskSource, words: WordLmdb, *, count: int | None = None, seed: int = 0) -> None:
        taking_part = len(words) if count is None else min(count, len(words))
        if taking_part < 2:
            raise DataError(f"{words.path}: the mask of another word needs two words, got {taking_part}")
        self._source, self._words = source, words
        order = np.random.default_rng((seed, taking_part)).permutation(taking_part)
        self._next = np.empty(taking_part, np.int64)
        self._next[order] = np.roll(order, -1)

    def masks(
        self, indices: Sequence[int], images: Sequence[NDArray[Any]], visits: Sequence[int], size: Size | None
    ) -> list[Mask]:
        """Return the other words' masks, see `MaskSource.masks`.

        Raises:
            DataError: no other word can be read.
        """
        others = [self._other(index) for index in indices]
        if size is not None:
            return self._source.masks([other for other, _ in others], [picture for _, picture in others], visits, size)
        return [
            self._source.masks([other], [picture], [visit], (image.shape[0], image.shape[1]))[0]
            for (other, picture), image, visit in zip(others, images, visits, strict=True)
        ]

    def _other(self, index: int) -> tuple[int, NDArray[Any]]:
        """Return the position and the picture of the word whose mask the word at the 0-based `index` gets."""
        other = int(self._next[index])
        while other != index:
            picture = self._words[other].image
            if picture is not None:
                return other, picture
            other = int(self._next[other])
        raise DataError(f"{self._words.path}: no other word than word {index + 1} can be read, so none has a mask")

"""Words made worse at each visit, while what is known of their pixels stays."""

from __future__ import annotations

import numpy as np

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import MaskedImages
from segrec.core.images import Array, resize
from segrec.data.corruption_kinds import CORRUPTIONS, Corruption
from segrec.data.corruptions import damaged

CORRUPTED = "corrupted"
LEVELS = (1, 2, 3, 4)
"""The fifth mostly defeats people too, and what cannot be seen cannot be learnt."""


class CorruptedWords(MaskedImages):
    """Words, each visit's picture damaged by one kind at one level, see `segrec.data.corruptions`.

    The picture keeps its size, so that its masks fit, and is a function of (seed, position, visit).

    Args:
        words: with their masks.
    """

    def __init__(self, words: MaskedImages) -> None:
        self._words = words

    def __len__(self) -> int:
        return len(self._words)

    def name(self, position: int) -> str:
        """Return the word's name."""
        return self._words.name(position)

    def sample(self, position: int) -> SegmentationSample:
        """Return one word as at the first visit with the seed 0."""
        return self.visited(position, seed=0, visit=0)

    def visited(self, position: int, *, seed: int, visit: int) -> SegmentationSample:
        """Return one word, damaged anew at each visit."""
        sample = self._words.visited(position, seed=seed, visit=visit)
        return sample._replace(image=_worse(sample.image, np.random.default_rng((seed, position, visit))))


def _worse(image: Array, rng: np.random.Generator) -> Array:
    kind = CORRUPTIONS[int(rng.integers(len(CORRUPTIONS)))]
    corruption = Corruption(kind, LEVELS[int(rng.integers(len(LEVELS)))])
    worse = damaged(image, corruption, seed=int(rng.integers(2**31)), index=0)
    size = (image.shape[0], image.shape[1])
    return worse if worse.shape == image.shape else np.asarray(resize(worse, size, "bicubic"), dtype=np.uint8)

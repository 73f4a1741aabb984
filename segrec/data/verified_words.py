"""Real words whose masks were verified by reading, as pictures for the segmenter."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import MaskedImages
from segrec.core.errors import ConfigError, DataError
from segrec.core.images import Array, resize
from segrec.data.degraded_pictures import degraded
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb

VERIFIED = "verified"
DEGRADED = "degraded"


class VerifiedWords(MaskedImages):
    """The words of a database for which a store of verified masks has one; pictures have the size of their masks.

    Args:
        words: the word database.
        masks: the store that `segrec label-masks` made of it, finished or not; what is there counts.

    Raises:
        DataError: one of the two cannot be read, they do not belong together, or no word has a mask.
    """

    def __init__(self, words: str | os.PathLike[str], masks: str | os.PathLike[str]) -> None:
        self._words, self._masks = WordLmdb(words), MaskStore(masks)
        self._words.count()
        if self._masks.record.kind != VERIFIED:
            raise DataError(f"{masks} holds {self._masks.record.kind} masks; name a store that segrec label-masks made")
        self._masks.check_source(self._words)
        self._masks.require_complete()
        holes = {position for position, _ in self._masks.holes()}
        self._positions = [position for position in range(len(self._masks)) if position not in holes]
        if not self._positions:
            raise DataError(f"{masks} holds no mask: all its words were refused; verify with a better --verifier")

    def __len__(self) -> int:
        return len(self._positions)

    def name(self, position: int) -> str:
        """Return the key of the word's picture."""
        return f"image-{self._positions[position] + 1:09d}"

    def sample(self, position: int) -> SegmentationSample:
        """Return one word with its text mask, see `MaskedImages.sample`; there is no region mask."""
        place = self._positions[position]
        word, mask = self._words[place], self._masks[place]
        if word.image is None or mask is None:
            raise DataError(f"{self._words.path}: {word.problem or 'the mask is gone'}; {self._masks.remedy}")
        size = (mask.shape[0], mask.shape[1])
        return SegmentationSample(np.asarray(resize(word.image, size, "bicubic"), dtype=np.uint8), mask, None)


class DegradedWords(VerifiedWords):
    """Verified words whose pictures, and not their masks, are made hard to read: the truth of words that nobody reads.

    A degraded picture is a function of (seed, position, visit).
    """

    def sample(self, position: int) -> SegmentationSample:
        """Return one word as at the first visit with the seed 0."""
        return self.visited(position, seed=0, visit=0)

    def visited(self, position: int, *, seed: int, visit: int) -> SegmentationSample:
        """Return one word, degraded anew at each visit."""
        sample = super().sample(position)
        strokes: Array = np.where(sample.text == 255, np.uint8(255), np.uint8(0))
        return sample._replace(image=degraded(sample.image, strokes, np.random.default_rng((seed, position, visit))))


def open_verified(path: str, split: str | None) -> VerifiedWords:
    """Return the words of `WORDS:MASKS`, or of `WORDS` with the masks at `WORDS-verified`.

    Args:
        path: both paths.
        split: `degraded` or None.

    Raises:
        ConfigError: there is no such split, or a path is empty.
        DataError: see `VerifiedWords`.
    """
    if split not in (None, DEGRADED):
        raise ConfigError(f"verified words are there as verified or verified:{DEGRADED}, not verified:{split}")
    words, sign, masks = path.rpartition(":")
    if not sign:
        words, masks = path, f"{path.rstrip('/')}-{VERIFIED}"
    if not words or not masks:
        raise ConfigError(f"expected {VERIFIED}=WORDS:MASKS, got {VERIFIED}={path}")
    return (VerifiedWords if split is None else DegradedWords)(Path(words), Path(masks))

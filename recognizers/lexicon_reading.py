"""Readings turned into words of a lexicon, as CRNN does it with the probabilities of CTC (arXiv 1507.05717, 2.3.3)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recognizers.charset import Charset
from recognizers.decoding.alignment import (
    Targets,
    aligned_readings,
    as_targets,
    frames_needed,
    log_probabilities,
    scores,
)
from recognizers.decoding.reading import Reading
from recognizers.lexicon import Lexicon, Normalise
from recognizers.near_words import Integers

DELTA = 3
"""Edits between the lexicon-free reading and the words that are scored (the paper's delta)."""

SMALL = 1000
"""Lexicons of at most this many words are scored whole."""

TOO_LONG = "needs more frames than the network gives"
UNREADABLE = "has no character that the network reads"


def probable_readings(
    logits: Tensor, readings: Sequence[Reading], lexicons: Sequence[Lexicon], charset: Charset
) -> tuple[list[Reading], Counter[str]]:
    """Return the most probable word of each row's lexicon, and how many candidates were refused, by reason.

    Candidates are all words of a lexicon of at most `SMALL`, of a larger one those at most `DELTA` edits from the
    reading. A candidate that the frames cannot hold is refused; without any other, the nearest words that fit compete,
    and a row whose lexicon has none keeps its reading. Characters that the lexicon compares as one (letter cases) have
    their probabilities added, those that it ignores count as blanks.

    Words come as their lexicon spells them. A word's confidence is the total probability of its alignments, a
    character's the probability that it comes next, 0 for one that the network cannot write.

    Args:
        logits: (N, T, classes) of CTC.
        readings: lexicon-free, one per row.
        lexicons: one per row, all with the same `normalise`.
        charset: the classes after the blank.

    Raises:
        ValueError: another shape, logits that are not finite, or lexicons that compare words differently.
    """
    if len({lexicon.normalise for lexicon in lexicons}) > 1:
        raise ValueError("the lexicons of one call must normalise alike; read the others in another call")
    if not lexicons:
        return [], Counter()
    folding = _folding(charset, lexicons[0].normalise)
    probabilities = folding.fold(log_probabilities(logits, charset))
    refused: Counter[str] = Counter()
    chosen = [
        _Candidates(lexicon, folding.charset, row, refused).best(reading.text)
        for row, reading, lexicon in zip(probabilities, readings, lexicons, strict=True)
    ]
    words = {row: word for row, word in enumerate(chosen) if word is not None}
    written = [folding.charset.normalise(word) for word in words.values()]
    aligned = aligned_readings(probabilities[list(words)], written, folding.charset)
    found = list(readings)
    for (row, word), reading in zip(words.items(), aligned, strict=True):
        found[row] = _spelled(reading, word, lexicons[row], folding.charset)
    return found, refused


def _spelled(aligned: Reading, word: str, lexicon: Lexicon, charset: Charset) -> Reading:
    """Return the reading with the lexicon's spelling of its word."""
    text = lexicon.spelling(word)
    shares = iter(aligned.character_confidences)
    written = [len(charset.normalise(lexicon.normalise(character))) for character in text]
    return Reading(text, aligned.confidence, tuple(min(islice(shares, count), default=0.0) for count in written))


class _Folding(NamedTuple):
    """The characters that a lexicon tells apart, and which of their classes each class of the network becomes."""

    charset: Charset
    becomes: Tensor

    def fold(self, probabilities: Tensor) -> Tensor:
        """Log probabilities (N, T, folded classes) of log probabilities (N, T, classes)."""
        if torch.equal(self.becomes, torch.arange(probabilities.shape[2])):
            return probabilities
        folded = probabilities.new_zeros((*probabilities.shape[:2], self.charset.classes))
        return folded.index_add_(2, self.becomes, probabilities.exp()).log()


@lru_cache(maxsize=8)
def _folding(charset: Charset, normalise: Normalise) -> _Folding:
    compared = [normalise(character)[:1] for character in charset.characters]
    characters = "".join(dict.fromkeys(compared)) or charset.characters
    folded = Charset(characters)
    return _Folding(folded, torch.tensor([0, *(folded.encode(one)[0] if one else 0 for one in compared)]))


class _Written(NamedTuple):
    """The words of a lexicon as the network can write them, and the frames that each needs; 0 if none of it is left."""

    targets: Targets
    needs: NDArray[np.int64]


@lru_cache(maxsize=8)
def _written(lexicon: Lexicon, charset: Charset) -> _Written:
    targets = as_targets([charset.normalise(word) for word in lexicon.words], charset)
    return _Written(targets, frames_needed(targets).numpy())


class _Candidates:
    """Words of a lexicon against one image.

    Args:
        lexicon: the words.
        charset: the classes of the folded probabilities.
        probabilities: (T, classes) log probabilities.
        refused: gets the words that were refused as candidates, by reason.
    """

    def __init__(self, lexicon: Lexicon, charset: Charset, probabilities: Tensor, refused: Counter[str]) -> None:
        self._lexicon, self._written = lexicon, _written(lexicon, charset)
        self._probabilities, self._refused = probabilities, refused
        self._ever = probabilities.logsumexp(dim=0)  # (classes,), no less than that a class comes at all
        self._place, self._score = -1, -math.inf

    def best(self, text: str) -> str | None:
        """Return the most probable candidate; None when not one word of the lexicon fits."""
        text = self._lexicon.normalise(text)
        left = 1.0
        for candidates in self._groups(text):
            places = self._fitting(self._promising(candidates))
            left -= self._compete(places)
            if math.exp(self._score) >= left:  # no other text can have more than what is left
                break
        if self._place < 0:
            self._compete(self._nearest_that_fit(text))
        return None if self._place < 0 else self._lexicon.words[self._place]

    def _compete(self, places: Integers) -> float:
        """Remember the most probable of the words, and return the probability of all of them."""
        if len(places) == 0:
            return 0.0
        targets = self._written.targets.select(torch.from_numpy(places))
        found = scores(self._probabilities.expand(len(places), -1, -1), targets)
        highest = int(found.argmax())
        if self._place < 0 or float(found[highest]) > self._score:
            self._place, self._score = int(places[highest]), float(found[highest])
        return float(found.exp().sum())

    def _groups(self, text: str) -> Iterable[Integers]:
        """Return the places of candidates, the nearest first where nearness is asked for."""
        if len(self._lexicon) <= SMALL:
            return [np.arange(len(self._lexicon))]
        return self._lexicon.near.rings(text, DELTA, self._promising)

    def _fitting(self, places: Integers) -> Integers:
        needs = self._written.needs[places]
        too_long, unreadable = needs > self._probabilities.shape[0], needs == 0
        for reason, count in ((TOO_LONG, too_long.sum()), (UNREADABLE, unreadable.sum())):
            if count:
                self._refused[reason] += int(count)
        fitting: Integers = places[~(too_long | unreadable)]
        return fitting

    def _promising(self, places: Integers) -> Integers:
        """Return those that may be more probable than the best so far, since each of their characters is."""
        if self._place < 0 or len(places) == 0:
            return places
        targets = self._written.targets.select(torch.from_numpy(places))
        ever = self._ever[targets.classes].masked_fill_(targets.classes == 0, 0.0)  # (K, L)
        promising: Integers = places[(ever.min(dim=1).values > self._score).numpy()]
        return promising

    def _nearest_that_fit(self, text: str) -> Integers:
        needs = self._written.needs
        fits = (needs > 0) & (needs <= self._probabilities.shape[0])
        return self._lexicon.near.nearest(text, fits) if fits.any() else np.empty(0, np.int64)

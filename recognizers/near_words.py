"""The words of a list that are nearest to a text by edit distance, found without comparing all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from recognizers.metrics import edit_distance

BINS, TALLIES = 42, 3
"""A word's signature: whether it holds a letter at least once, twice, three times; rare letters share bins."""

FAR = 1_000_000
"""More than any edit distance between words."""

Integers = NDArray[np.int64]


class NearWords:
    """A list of words with a signature each, from which a lower bound on the edit distance follows.

    One edit changes the letter counts of a word by one letter less, one more, or both. So of two words whose counts
    differ by d altogether and whose lengths differ by l, the edit distance is at least (d + l) / 2; counting at most
    three of a letter, or several letters as one, makes d only smaller.

    Args:
        words: in the order that decides between equally near ones.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        common = [letter for letter, _ in Counter("".join(words)).most_common()]
        self._bin = {letter: number % BINS for number, letter in enumerate(common)}
        self._lengths = np.array([len(word) for word in words], np.int32)
        self._signatures = self._sign(words)

    def nearest(self, text: str, allowed: NDArray[np.bool_] | None = None) -> Integers:
        """Return the places of all words that are equally near and nearer than any other, in the list's order.

        Args:
            text: any text.
            allowed: (W,), which words may be found; None is all. At least one is True.
        """
        bounds = self._bounds(text)
        if allowed is not None:
            bounds[~allowed] = FAR
        best, found, bound = FAR, [0], int(bounds.min())
        while bound <= best and bound < FAR:
            for place in np.flatnonzero(bounds == bound).tolist():
                distance = edit_distance(self._words[place], text)
                if distance < best:
                    best, found = distance, []
                if distance == best:
                    found.append(place)
            bound += 1
        return np.sort(np.array(found, np.int64))

    def rings(
        self, text: str, distance: int, keep: Callable[[Integers], Integers] = lambda places: places
    ) -> Iterator[Integers]:
        """Yield the places of the words at 0, 1, ... `distance` edits from the text, in the list's order each.

        Args:
            text: any text.
            distance: the last ring's.
            keep: asked before words are compared letter by letter, gives those of them that are still of interest.
        """
        bounds = self._bounds(text)
        waiting: list[list[int]] = [[] for _ in range(distance + 1)]
        for ring in range(distance + 1):
            for place in keep(np.flatnonzero(bounds == ring)).tolist():
                exact = edit_distance(self._words[place], text)
                if exact <= distance:
                    waiting[exact].append(place)
            yield np.sort(np.array(waiting[ring], np.int64))

    def _bounds(self, text: str) -> NDArray[np.int32]:
        first, second = np.bitwise_count(self._signatures ^ self._sign([text]))  # (W,) uint8 each, at most 64
        longer = np.abs(self._lengths - len(text))
        bounds: NDArray[np.int32] = np.maximum((first + second + longer + 1) >> 1, longer)
        return bounds

    def _sign(self, words: Sequence[str]) -> NDArray[np.uint64]:
        """Return (2, W); bit t * BINS + b of a word's column says that more than t of its letters are in bin b."""
        counts = np.zeros((len(words), BINS), np.int64)
        bins = np.array([self._bin.get(letter, ord(letter) % BINS) for word in words for letter in word], np.int64)
        owners = np.repeat(np.arange(len(words)), [len(word) for word in words])
        np.add.at(counts, (owners, bins), 1)
        bits = np.zeros((len(words), 128), np.uint8)
        for tally in range(TALLIES):
            bits[:, tally * BINS : (tally + 1) * BINS] = counts > tally
        return np.ascontiguousarray(np.packbits(bits, axis=1).view(np.uint64).T)

"""Prefix beam search over CTC frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from recognizers.charset import Charset
from recognizers.decoding.alignment import aligned_readings, log_probabilities
from recognizers.decoding.reading import Reading

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
NOTHING = -np.inf
ROOT, UNUSED, IMPOSSIBLE = 0, -1, -2
"""Numbers of prefixes: the empty one, its parent, and one that fills a beam wider than there are prefixes."""


def ctc_beam(logits: Tensor, charset: Charset, *, beam: int = 10) -> list[Reading]:
    """Return, per row, the most probable text that a beam of prefixes finds, all alignments of a text added up.

    Unlike the greedy reading it may prefer a text none of whose alignments is the best one (Graves and Jaitly,
    ICML 2014, algorithm 1, without a language model). With a beam wide enough to keep every prefix it is exact.

    A word's confidence is the total probability of its alignments, of an empty text too. A character's is the
    probability that it comes next after the characters before it.

    Args:
        logits: (N, T, classes), any float type and device, T >= 1.
        charset: the classes after the blank.
        beam: prefixes kept after each frame.

    Raises:
        ValueError: another shape, logits that are not finite, a beam below 1, or a charset of an attention decoder.
    """
    if beam < 1:
        raise ValueError(f"the beam must keep at least 1 prefix, got {beam}")
    probabilities = log_probabilities(logits, charset)
    if len(probabilities) == 0:
        return []
    search = _Search(len(probabilities), beam)
    frames: Floats = probabilities.numpy()
    for time in range(frames.shape[1]):
        search.step(frames[:, time])
    return aligned_readings(probabilities, search.texts(charset), charset)


class _Trie:
    """Every prefix that was ever kept, under a number of its own; 0 is the empty one."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int], int] = {}
        self._made_of: list[tuple[int, int]] = [(UNUSED, 0)]

    def children(self, parents: Integers, classes: Integers) -> Integers:
        """Return the numbers of `parents` (K,), each with one more class."""
        numbers = np.empty(len(parents), np.int64)
        for place, key in enumerate(zip(parents.tolist(), classes.tolist(), strict=True)):
            numbers[place] = self._numbers.setdefault(key, len(self._made_of))
            if numbers[place] == len(self._made_of):
                self._made_of.append(key)
        return numbers

    def classes(self, number: int) -> list[int]:
        """Return the class numbers of a prefix."""
        found = []
        while number != ROOT:
            number, last = self._made_of[number]
            found.append(last)
        return found[::-1]


class _Search:
    """The prefixes that are kept of each row, all (N, W): the best one comes first.

    `blank` and `letter` are the log probabilities of a prefix with and without a blank as its last frame.
    """

    def __init__(self, rows: int, beam: int) -> None:
        self._beam = beam
        self._trie = _Trie()
        self._rows = np.arange(rows)[:, None]
        self._prefix = np.full((rows, 1), ROOT)
        self._parent = np.full((rows, 1), UNUSED)
        self._last = np.zeros((rows, 1), np.int64)
        self._blank: Floats = np.zeros((rows, 1))
        self._letter: Floats = np.full((rows, 1), NOTHING)

    def step(self, frame: Floats) -> None:
        """Go on by one frame (N, classes)."""
        total = np.logaddexp(self._blank, self._letter)
        own = np.take_along_axis(frame, self._last, axis=1)  # of each prefix's last class
        blank = total + frame[:, :1]
        letter = self._letter + own
        longer = total[:, :, None] + frame[:, None, :]  # (N, W, classes)
        np.put_along_axis(longer, self._last[:, :, None], (self._blank + own)[:, :, None], axis=2)
        longer[:, :, 0] = NOTHING  # a blank makes nothing longer
        self._merge(letter, longer)
        self._keep(blank, letter, longer)

    def _merge(self, letter: Floats, longer: Floats) -> None:
        """Count a longer prefix that is kept already there and not twice."""
        row, child, parent = np.nonzero(self._parent[:, :, None] == self._prefix[:, None, :])
        last = self._last[row, child]
        letter[row, child] = np.logaddexp(letter[row, child], longer[row, parent, last])
        longer[row, parent, last] = NOTHING

    def _keep(self, blank: Floats, letter: Floats, longer: Floats) -> None:
        rows, width, classes = longer.shape
        scores = np.concatenate((np.logaddexp(blank, letter), longer.reshape(rows, -1)), axis=1)
        kept = _best(scores, self._beam)
        is_longer = kept >= width
        slot = np.where(is_longer, (kept - width) // classes, kept)
        added = (kept - width) % classes
        score = np.take_along_axis(scores, kept, axis=1)
        parents = self._prefix[self._rows, slot]
        is_new = is_longer & (score > NOTHING)
        prefix = np.where(is_longer, IMPOSSIBLE, parents)
        prefix[is_new] = self._trie.children(parents[is_new], added[is_new])
        self._blank = np.where(is_longer, NOTHING, blank[self._rows, slot])
        self._letter = np.where(is_longer, score, letter[self._rows, slot])
        self._parent = np.where(is_longer, np.where(is_new, parents, UNUSED), self._parent[self._rows, slot])
        self._last = np.where(is_longer, added, self._last[self._rows, slot])
        self._prefix = prefix

    def texts(self, charset: Charset) -> list[str]:
        """Return the best text of each row."""
        numbers = self._prefix[:, 0].tolist()
        return ["".join(charset.characters[c - charset.first] for c in self._trie.classes(n)) for n in numbers]


def _best(scores: Floats, count: int) -> Integers:
    """Return (N, count or fewer) places of the highest scores, the highest first, of equal ones the first."""
    if scores.shape[1] > count:
        places = np.sort(np.argpartition(-scores, count - 1, axis=1)[:, :count], axis=1)
    else:
        places = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)

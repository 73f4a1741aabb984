"""Reading with a lexicon: the word that is nearest, or of the near ones the most probable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cached_property

from recognizers.near_words import NearWords
from segrec.core.errors import DataError
from segrec.core.regular import read_regular_text

Normalise = Callable[[str], str]


class Lexicon:
    """Words that a reading may be.

    Args:
        words: the lexicon; order decides between equally near words.
        normalise: how words and readings are compared; hashable, as functions and frozen dataclasses are.

    Attributes:
        words: normalised, each once.

    Raises:
        DataError: no word is left after normalising.
    """

    def __init__(self, words: Iterable[str], normalise: Normalise) -> None:
        self._spelling: dict[str, str] = {}
        for word in words:
            self._spelling.setdefault(normalise(word), word)
        self._spelling.pop("", None)
        self.words = list(self._spelling)
        self.normalise = normalise
        if not self.words:
            raise DataError("the lexicon holds no word; give one word per line")

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], normalise: Normalise) -> Lexicon:
        """Return the lexicon of a UTF-8 file with one word per line.

        Raises:
            DataError: the file cannot be read or holds no word.
        """
        return cls(read_lines(path), normalise)

    def __len__(self) -> int:
        return len(self.words)

    def spelling(self, word: str) -> str:
        """Return a word of `words` as the lexicon spells it; the first of several spellings."""
        return self._spelling[word]

    @cached_property
    def near(self) -> NearWords:
        """The words by their nearness; built on first use."""
        return NearWords(self.words)

    def nearest(self, text: str) -> str:
        """Return the lexicon's word with the smallest edit distance to `text`; the first of several."""
        return self.words[int(self.near.nearest(self.normalise(text))[0])]


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """Return the lines of a UTF-8 lexicon file, without the space around them.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return [line.strip() for line in read_regular_text(path).splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read the lexicon {path} ({reason}); give a UTF-8 file of one word per line") from error

"""Reading with a lexicon: the nearest word by edit distance."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

from recognizers.metrics import edit_distance
from segrec.core.errors import DataError


class Lexicon:
    """Words that a reading may be.

    Args:
        words: the lexicon; order decides between equally near words.
        normalise: how words and readings are compared.

    Raises:
        DataError: no word is left after normalising.
    """

    def __init__(self, words: Iterable[str], normalise: Callable[[str], str]) -> None:
        self._words = list(dict.fromkeys(filter(None, map(normalise, words))))
        self._known = frozenset(self._words)
        self._normalise = normalise
        if not self._words:
            raise DataError("the lexicon holds no word; give one word a line")
        self._search = lru_cache(maxsize=100_000)(self._nearest_unknown)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], normalise: Callable[[str], str]) -> Lexicon:
        """Return the lexicon of a UTF-8 file with one word a line.

        Raises:
            DataError: the file cannot be read or holds no word.
        """
        try:
            return cls(Path(path).read_text(encoding="utf-8").splitlines(), normalise)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read the lexicon {path}: {error}") from error

    def nearest(self, text: str) -> str:
        """Return the lexicon's word with the smallest edit distance to `text`; the first of several."""
        text = self._normalise(text)
        return text if text in self._known else self._search(text)

    def _nearest_unknown(self, text: str) -> str:
        return min(self._words, key=lambda word: edit_distance(word, text))

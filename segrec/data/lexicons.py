"""Lexicon files: one list for all words of a database, or a list of its own for each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from recognizers.lexicon import Lexicon, Normalise, read_lines
from segrec.core.errors import DataError
from segrec.core.foreign_json import parse_json

EXPECTED = '{"index": 1, "words": ["first", "second"]}'


class WordLexicons:
    """The lexicons of a word database.

    Args:
        path: one word per line for all; or JSON Lines of `{"index": 1, "words": [...]}`, the 1-based index of
            a word in the database with the words that it may be.
        normalise: how words and readings are compared.

    Raises:
        DataError: the file cannot be read, holds no word, or a line is not like that.
    """

    def __init__(self, path: str | os.PathLike[str], normalise: Normalise) -> None:
        self._path, self._normalise = path, normalise
        lines = read_lines(path)
        self._own = _lexicon_of_each(path, lines) if next(filter(None, lines), "").startswith("{") else None
        self._shared = Lexicon(lines, normalise) if self._own is None else None

    def check(self, count: int) -> None:
        """Refuse a file that lacks the lexicon of one of the first `count` words.

        Raises:
            DataError: naming the first that is missing.
        """
        missing = [] if self._own is None else [index for index in range(1, count + 1) if index not in self._own]
        if missing:
            raise DataError(
                f"{self._path} has no lexicon for {len(missing)} of {count} words, the first is index {missing[0]}; "
                f"add a line {EXPECTED} for each"
            )

    def of(self, index: int) -> Lexicon:
        """Return the lexicon of the word with the 1-based `index`.

        Raises:
            DataError: there is none, or nothing of its words is left after normalising.
        """
        if self._shared is not None:
            return self._shared
        assert self._own is not None
        if index not in self._own:
            raise DataError(f"{self._path} has no lexicon for index {index}; add a line {EXPECTED}")
        try:
            return Lexicon(self._own[index], self._normalise)
        except DataError as error:
            raise DataError(f"{self._path}, index {index}: {error}") from error


def _lexicon_of_each(path: str | os.PathLike[str], lines: Sequence[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        index, words = _parsed(line) or (0, [])
        if index < 1:
            raise DataError(f"{path}, line {number}: expected {EXPECTED}, got {line[:80]}")
        if index in found:
            raise DataError(f"{path}, line {number}: index {index} has a lexicon already; join the two lines")
        found[index] = words
    return found


def _parsed(line: str) -> tuple[int, list[str]] | None:
    """Return the index and the words of a line; None when it is something else."""
    try:
        row: Any = parse_json(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or type(row.get("index")) is not int or not isinstance(row.get("words"), list):
        return None
    return (row["index"], row["words"]) if all(isinstance(word, str) for word in row["words"]) else None

"""Word accuracy and edit similarity, kept as counts."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

import editdistance

from segrec.core.errors import ConfigError

_ALNUM = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass
class WordScore:
    """Counts over words; scores of shards add up with `merge`.

    Attributes:
        words: words scored, the unreadable ones included.
        correct: words read exactly.
        skipped: words whose image could not be read; they count as wrong.
        similarity_sum: sum of 1 - edit distance / longer length.
    """

    words: int = 0
    correct: int = 0
    skipped: int = 0
    similarity_sum: float = 0.0

    def add(self, predicted: str, truth: str) -> None:
        """Count one word; both texts already normalised alike."""
        self.words += 1
        self.correct += int(predicted == truth)
        self.similarity_sum += similarity(predicted, truth)

    def add_unreadable(self, truth: str) -> None:
        """Count one word whose image could not be read: wrong, and read as the empty text."""
        self.words += 1
        self.skipped += 1
        self.similarity_sum += similarity("", truth) if truth else 0.0

    def merge(self, other: WordScore) -> None:
        """Add another score's counts to this one."""
        self.words += other.words
        self.correct += other.correct
        self.skipped += other.skipped
        self.similarity_sum += other.similarity_sum

    @property
    def accuracy(self) -> float:
        """Share of words read exactly, in [0, 1]; 0 without words."""
        return self.correct / self.words if self.words else 0.0

    @property
    def ned(self) -> float:
        """Mean of 1 - normalised edit distance, in [0, 1]; 0 without words."""
        return self.similarity_sum / self.words if self.words else 0.0


def normalise_label(
    text: str, *, charset_filter: Literal["alnum", "none"] = "alnum", case_sensitive: bool = False
) -> str:
    """Return `text` as evaluations compare it.

    "alnum" is what papers usually report: no accents (NFKD), case folded unless `case_sensitive`, then only 0-9, a-z
    and A-Z kept. "none" only folds the case.

    Raises:
        ConfigError: another filter.
    """
    if charset_filter not in ("alnum", "none"):
        raise ConfigError(f"charset filter must be 'alnum' or 'none', got {charset_filter!r}")
    if charset_filter == "alnum":
        text = unicodedata.normalize("NFKD", text)
    if not case_sensitive:
        text = text.lower()
    return "".join(c for c in text if c in _ALNUM) if charset_filter == "alnum" else text


def similarity(first: str, second: str) -> float:
    """Return 1 - edit distance / longer length, in [0, 1]; two empty texts are equal, 1."""
    longer = max(len(first), len(second))
    return 1.0 - edit_distance(first, second) / longer if longer else 1.0


def edit_distance(first: str, second: str) -> int:
    """Return the Levenshtein distance: the fewest insertions, deletions and substitutions between two texts."""
    return int(editdistance.eval(first, second))

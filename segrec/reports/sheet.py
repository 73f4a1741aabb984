"""A sheet of words: every word of a small set, as it was seen and as it was read on both sides of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segrec.reports.report_words import WordPicture
from segrec.reports.verdict import how_read


@dataclass(frozen=True)
class Sheet:
    """All words of a set that is too small to measure anything.

    Attributes:
        kind: of the words, in the plural, such as "words of photographs".
        words: one or more, in the order of the set; `before` and `after` are the same two variants for all.
        measured: where it stands what masks gain on many words.
        notes: paragraphs on where the words come from.

    Raises:
        ValueError: there are no words, or they were read by different variants.
    """

    kind: str
    words: Sequence[WordPicture]
    measured: str
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        pairs = {tuple((side.mask, side.model) for side in (word.before, word.after)) for word in self.words}
        if len(pairs) != 1:
            raise ValueError(f"the words of a sheet must be read by one pair of variants, got {len(pairs)}")

    @property
    def verdict(self) -> str:
        """One sentence: how many words each side reads right, and that they prove nothing."""
        before, after = self.words[0].before, self.words[0].after
        right_before = sum(word.before.text == word.truth for word in self.words)
        right_after = sum(word.after.text == word.truth for word in self.words)
        return (
            f"Of {len(self.words)} {self.kind}, {before.model} reads {right_before} right {how_read(before.mask)} and "
            f"{after.model} {right_after} {how_read(after.mask)}; so few words illustrate but prove nothing: what "
            f"masks gain on thousands stands in {self.measured}."
        )

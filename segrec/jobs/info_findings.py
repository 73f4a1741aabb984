"""Facts and problems gathered about something on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from segrec.data.words import evenly_spaced

SAMPLES = 64
"""How many samples are looked at when not all are."""
MOST_EXAMPLES = 10
"""How many unusable samples are named one by one."""


@dataclass
class Findings:
    """What was found: `facts` in reading order, and one line for each of the `problems`."""

    facts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dataclass
class Samples:
    """The looked-at samples of a dataset: the range of their sizes, and what is wrong with some."""

    checked: int = 0
    unusable: int = 0
    examples: list[str] = field(default_factory=list)
    heights: tuple[int, int] | None = None
    widths: tuple[int, int] | None = None

    def add(self, size: Sequence[int]) -> None:
        """Count a sample of `size`, (height, width, ...)."""
        self.checked += 1
        self.heights = _widened(self.heights, size[0])
        self.widths = _widened(self.widths, size[1])

    def add_unusable(self, problem: str) -> None:
        """Count a sample that cannot be used."""
        self.checked += 1
        self.unusable += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(problem)

    def report(self, findings: Findings, total: int, unit: str) -> None:
        """Add what was seen of `total` samples; `unit` is their name in the singular."""
        amount = f"all {total}" if self.checked == total else f"{self.checked} of {total}, evenly spaced"
        findings.facts["checked"] = amount
        if self.heights and self.widths:
            findings.facts[f"{unit} sizes"] = f"height {_words(self.heights)}, width {_words(self.widths)}"
        findings.problems += self.examples
        if self.unusable > len(self.examples):
            further = self.unusable - len(self.examples)
            findings.problems.append(f"{further} more unusable samples, {self.unusable} of {self.checked} checked")


def _widened(bounds: tuple[int, int] | None, value: int) -> tuple[int, int]:
    return (value, value) if bounds is None else (min(bounds[0], value), max(bounds[1], value))


def _words(bounds: tuple[int, int]) -> str:
    return str(bounds[0]) if bounds[0] == bounds[1] else f"{bounds[0]} to {bounds[1]}"


def positions_to_check(count: int, *, verify: bool) -> Sequence[int]:
    """Return the 0-based positions to look at: all of them to `verify`, else at most `SAMPLES`, evenly spaced."""
    return range(count) if verify else [index - 1 for index in evenly_spaced(count, SAMPLES)]


def size_in_words(path: str | os.PathLike[str]) -> str:
    """Return a file's size for people, as `bytes_in_words`."""
    return bytes_in_words(os.path.getsize(path))


def bytes_in_words(count: int) -> str:
    """Return a number of bytes for people, such as `5.7 MB` (a MB is a million bytes)."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"

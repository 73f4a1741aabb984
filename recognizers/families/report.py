"""What became of each tensor of a checkpoint, as a value and as one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from segrec.core.printable import printable
from segrec.core.tables import markdown_table


class Conversion(NamedTuple):
    """Tensors that were not taken over as they were.

    Attributes:
        reason: what was done to them and why nothing is lost.
        names: of the network's tensors.
    """

    reason: str
    names: tuple[str, ...]


class Row(NamedTuple):
    """One line of the table: a group, how many tensors are in it, and which."""

    group: str
    tensors: int
    which: str


class LoadReport(NamedTuple):
    """What became of each tensor of a checkpoint; as text it is a table.

    Attributes:
        copied: names of the network whose tensors were taken over as they were.
        missing: names of the network that the file lacks.
        unexpected: names of the file that the network has no use for.
        reinitialised: names of the network that got a fresh value instead of one of the file.
        converted: tensors of the network that follow from the file's, by reason.
        derived: names of the file whose values follow from sizes alone, and were computed instead of read.
    """

    copied: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    reinitialised: tuple[str, ...] = ()
    converted: tuple[Conversion, ...] = ()
    derived: tuple[str, ...] = ()

    def rows(self) -> list[Row]:
        """Return the table's lines, with a line for each reason of a conversion."""
        conversions = [Row("converted", len(names), f"{few(names)}: {reason}") for reason, names in self.converted] or [
            _row("converted", ())
        ]
        return [
            _row("copied", self.copied),
            *conversions,
            _row("re-initialised", self.reinitialised),
            _row("missing", self.missing),
            _row("unexpected", self.unexpected),
            _row("derived", self.derived),
        ]

    def table(self) -> str:
        """Return all groups with their counts and first names, as aligned Markdown."""
        cells = [(group, str(count), which) for group, count, which in self.rows()]
        return markdown_table(("tensors", "count", "which"), cells, numbers={1}).rstrip("\n")

    def __str__(self) -> str:
        return self.table()


def few(names: Sequence[str]) -> str:
    """Return the first three names and how many more there are."""
    if not names:
        return "nothing"
    return ", ".join(printable(name) for name in names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _row(group: str, names: Sequence[str]) -> Row:
    return Row(group, len(names), few(names) if names else "")

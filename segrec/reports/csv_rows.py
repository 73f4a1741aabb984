"""CSV files that a spreadsheet shows and does not execute."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from segrec.core.printable import printable

_FORMULA = ("=", "+", "-", "@")
"""With what a cell begins that spreadsheets take for a formula."""


def write_csv(handle: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a line of names and a line a row; texts that begin as a formula get a ' in front, which hides it.

    Args:
        handle: opened with `newline=""`.
        columns: which values of the rows, in this order.
        rows: numbers stay as they are; of texts, control characters are escaped.
    """
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(map(harmless, columns))
    writer.writerows([harmless(row.get(column, "")) for column in columns] for row in rows)


def harmless(value: Any) -> Any:
    """Return a cell that is no formula and moves no cursor."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text

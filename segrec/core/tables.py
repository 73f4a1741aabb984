"""Tables as markdown, as plain text for a terminal and as CSV, and records as JSON lines."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from segrec.core.files import atomic_path, write_text
from segrec.core.printable import printable

Rows = Sequence[Sequence[str]]
Records = Iterable[Mapping[str, Any]]

_FORMULA = ("=", "+", "-", "@")
"""With what a cell begins that spreadsheets take for a formula."""

_NUMBER = re.compile(r"[+-][0-9]+(\.[0-9]+)?")
"""A text that is a signed number and nothing else, which is harmless."""


def markdown_table(head: Sequence[str], rows: Rows, *, numbers: int | Collection[int]) -> str:
    """Return a markdown table that ends with a newline; its columns are aligned for a terminal too.

    Args:
        head: names of the columns.
        rows: cells; a | in them is escaped.
        numbers: columns that are aligned to the right: how many of the last ones, or their places.
    """
    safe = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = _widths([head, *safe])
    right = _places(len(head), numbers)
    rule = ["-" * (width - 1) + ":" if place in right else "-" * width for place, width in enumerate(widths)]
    lines = [_padded(head, widths, right), rule, *(_padded(row, widths, right) for row in safe)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plain_table(head: Sequence[str], rows: Rows, *, numbers: int | Collection[int]) -> str:
    """Return a table without rules, indented by four spaces, which markdown shows as it is; it ends with a newline.

    Args:
        head: names of the columns.
        rows: cells.
        numbers: columns that are aligned to the right: how many of the last ones, or their places.
    """
    widths = _widths([head, *rows])
    right = _places(len(head), numbers)
    return "".join(f"    {'  '.join(_padded(row, widths, right))}".rstrip() + "\n" for row in [head, *rows])


def csv_table(records: Records, columns: Sequence[str] | None = None) -> str:
    """Return a header and a line for each record, with \\n at the end of each; a spreadsheet executes nothing in it.

    Control characters in texts are escaped; texts that begin as a formula get a ' in front, which spreadsheets hide.

    Args:
        records: values by column; a missing one leaves its cell empty.
        columns: which, in their order; all that any record has when None.
    """
    records = list(records)
    names = list(dict.fromkeys(name for record in records for name in record)) if columns is None else columns
    return csv_lines([names, *([record.get(name, "") for name in names] for record in records)])


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """Return a line for each row of cells, made harmless as `csv_table` says."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows(map(_harmless, row) for row in rows)
    return buffer.getvalue()


def write_records(path: str | os.PathLike[str], records: Records, columns: Sequence[str] | None = None) -> None:
    """Write records as JSON lines where the file is called `.jsonl`, else as CSV, see `csv_table`; atomically.

    Raises:
        DataError: the file cannot be written.
    """
    if Path(path).suffix.lower() == ".jsonl":
        write_json_lines(path, records)
    else:
        write_text(path, csv_table(records, columns))


def write_json_lines(path: str | os.PathLike[str], records: Records) -> None:
    """Write a line of JSON for each record, atomically.

    Raises:
        DataError: the file cannot be written.
    """
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="") as handle:
        handle.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _harmless(value: Any) -> Any:
    """Return a cell that is not a formula and moves no cursor."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def _widths(rows: Rows) -> list[int]:
    return [max(map(_columns, column)) for column in zip(*rows, strict=True)]


def _places(columns: int, numbers: int | Collection[int]) -> Collection[int]:
    return range(columns - numbers, columns) if isinstance(numbers, int) else numbers


def _padded(row: Sequence[str], widths: Sequence[int], right: Collection[int]) -> list[str]:
    gaps = [" " * (width - _columns(cell)) for cell, width in zip(row, widths, strict=True)]
    return [
        gap + cell if place in right else cell + gap for place, (cell, gap) in enumerate(zip(row, gaps, strict=True))
    ]


def _columns(text: str) -> int:
    """Return how many columns of a terminal the text takes; East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)

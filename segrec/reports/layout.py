"""Tables for a terminal that are markdown too: columns of one width, text to the left and numbers to the right."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

Rows = Sequence[Sequence[str]]


def pipe_table(head: Sequence[str], rows: Rows, *, numbers: int) -> str:
    """Return a markdown table that ends with a newline.

    Args:
        head: names of the columns.
        rows: cells; a | in them is escaped.
        numbers: so many last columns stand to the right.
    """
    safe = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = _widths([head, *safe])
    left = len(head) - numbers
    rule = ["-" * width if place < left else "-" * (width - 1) + ":" for place, width in enumerate(widths)]
    lines = [_padded(head, widths, left), rule, *(_padded(row, widths, left) for row in safe)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plain_table(head: Sequence[str], rows: Rows, *, numbers: int) -> str:
    """Return a table without rules, indented by four spaces, which markdown shows as it is; it ends with a newline.

    Args:
        head: names of the columns.
        rows: cells.
        numbers: so many last columns stand to the right.
    """
    widths = _widths([head, *rows])
    left = len(head) - numbers
    return "".join(f"    {'  '.join(_padded(row, widths, left))}".rstrip() + "\n" for row in [head, *rows])


def _widths(rows: Rows) -> list[int]:
    return [max(map(_columns, column)) for column in zip(*rows, strict=True)]


def _padded(row: Sequence[str], widths: Sequence[int], left: int) -> list[str]:
    gaps = [" " * (width - _columns(cell)) for cell, width in zip(row, widths, strict=True)]
    return [cell + gap if place < left else gap + cell for place, (cell, gap) in enumerate(zip(row, gaps, strict=True))]


def _columns(text: str) -> int:
    """Return how many columns of a terminal the text takes; East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)

"""The polygon files of Total-Text, as text and as MATLAB wrote them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segmenter.datasets.base import WordRegions, polygon_of, read_lines
from segrec.core.errors import DataError
from segrec.core.matlab import load_matlab

UNREADABLE = ("#", "###")
"""Transcriptions, and the one orientation, of words that are neither to be found nor to be left out."""
KEYS = ("polygt", "gt")
"""Names of the table in a MATLAB file: of the release, and of the annotation tool that refined it."""

_POINTS = re.compile(r"x:\s*+\[++([^\]]*+)\]++\s*+,\s*+y:\s*+\[++([^\]]*+)\]++(.*)", re.DOTALL)
_ORIENTATION = re.compile(r"ornt:\s*\[\s*u?['\"]?([^'\"\]]*)")
_TRANSCRIPTION = re.compile(r"transcriptions:\s*+\[\s*+")
_QUOTED = re.compile(r"u?['\"]?(.*?)['\"]?", re.DOTALL)


class _Entry(NamedTuple):
    place: str
    across: list[Any]
    down: list[Any]
    text: str
    orientation: str


def read_polygons(path: str | os.PathLike[str]) -> WordRegions:
    """Return the polygons of a `poly_gt_img*.txt` or `.mat`.

    Entries of fewer than three points, which occur among the unreadable ones, enclose nothing and are passed over.

    Raises:
        DataError: the file cannot be read or an entry has another form; names file and entry.
        LibraryError: a MATLAB file, and SciPy is missing.
    """
    entries = _matlab_entries(path) if Path(path).suffix == ".mat" else _text_entries(path)
    found = WordRegions([], [])
    for entry in entries:
        if len(entry.across) != len(entry.down):
            raise DataError(f"{entry.place} has {len(entry.across)} values of x and {len(entry.down)} of y")
        if len(entry.across) < 3:
            continue
        points = [value for point in zip(entry.across, entry.down, strict=True) for value in point]
        ignored = entry.text in UNREADABLE or entry.orientation in UNREADABLE
        (found.ignored if ignored else found.words).append(polygon_of(points, entry.place))
    return found


def _text_entries(path: str | os.PathLike[str]) -> Iterator[_Entry]:
    """Yield what `x: [[1 2 3]], y: [[4 5 6]], ornt: [u'c'], transcriptions: [u'A']` says; lines may be wrapped."""
    records = re.split(r"^(?=x:)", "\n".join(read_lines(path)), flags=re.MULTILINE)
    for number, record in enumerate((record for record in records if record.strip()), start=1):
        points = _POINTS.match(record)
        if points is None:
            raise DataError(
                f"{path}, entry {number}: expected x: [[...]], y: [[...]], ornt: [u'c'], transcriptions: [u'...'], "
                f"got {' '.join(record.split())[:80]!r}"
            )
        across, down, rest = points.groups()
        orientation = _ORIENTATION.search(rest)
        yield _Entry(
            place=f"{path}, entry {number}",
            across=across.replace(",", " ").split(),
            down=down.replace(",", " ").split(),
            text=_transcription(rest),
            orientation=orientation.group(1) if orientation else "",
        )


def _transcription(rest: str) -> str:
    begin, rest = _TRANSCRIPTION.search(rest), rest.rstrip()
    if begin is None or not rest.endswith("]") or begin.end() >= len(rest):
        return ""
    quoted = _QUOTED.fullmatch(rest[begin.end() : -1].rstrip())
    return quoted[1] if quoted else ""


def _matlab_entries(path: str | os.PathLike[str]) -> Iterator[_Entry]:
    """Yield the rows of the table, whose cells are `x:`, values of x, `y:`, values of y, the text, the orientation."""
    for number, row in enumerate(_matlab_table(path), start=1):
        place = f"{path}, entry {number}"
        cells = [np.ravel(cell).tolist() for cell in row]
        if len(cells) < 4:
            raise DataError(f"{place}: expected 'x:', x, 'y:', y, text and orientation, got {len(cells)} cells")
        text, orientation = (str(cell[0]) if cell else "" for cell in [*cells[4:6], [], []][:2])
        yield _Entry(place, cells[1], cells[3], text, orientation)


def _matlab_table(path: str | os.PathLike[str]) -> Any:
    content = load_matlab(path, otherwise=", or take the .txt polygons")
    table = next((content[key] for key in KEYS if key in content), None)
    if table is None or table.ndim != 2 or table.dtype != object:
        names = [key for key in content if not key.startswith("__")]
        raise DataError(f"{path} has no table of cells named {' or '.join(KEYS)}; it holds {', '.join(names)}")
    return table

"""Regions of one picture from a file: JSON, or a line a word as ICDAR writes them."""

from __future__ import annotations

import os
import re
from typing import Any

from segrec.core.errors import DataError
from segrec.core.foreign_json import parse_json
from segrec.core.regular import read_regular_text
from segrec.pages.page_masks import crop_areas
from segrec.pages.regions import as_polygons

NUMBER = re.compile(r"[-+]?(\d++\.?\d*+|\.\d++)([eE][-+]?\d++)?")


def read_polygon_file(path: str | os.PathLike[str]) -> list[Any]:
    """Return the regions of a file as `segrec.pages.regions.as_polygons` takes them.

    Args:
        path: of a JSON list, each entry an outline, a box, a row of numbers or an object with "polygon", as
            `segrec read --format json` writes words; or of text, each line numbers with commas or spaces between them,
            of which what follows the first eight is left out when it is not a number (ICDAR's transcriptions).

    Raises:
        DataError: the file cannot be read or is too large, a line begins with fewer than four numbers, a region is
            nothing such, or all together have more pixels than may be cut from one picture.
    """
    try:
        text = read_regular_text(path, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the polygons {path}: {error}") from error
    if text.lstrip().startswith(("[", "{")):
        found = _of_json(text, path)
    else:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        found = [_numbers(line, number, path) for number, line in lines]
    try:
        crop_areas(as_polygons(found, (1, 1)))  # shares of sides are tiny here, and counted once there is a picture
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    return found


def _of_json(text: str, path: str | os.PathLike[str]) -> list[Any]:
    try:
        content = parse_json(text)
    except ValueError as error:
        raise DataError(f"{path} is not valid JSON: {error}") from error
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict) and "words" in content[0]:
        content = content[0]
    if isinstance(content, dict):
        content = content.get("words", content.get("polygons"))
    if not isinstance(content, list):
        raise DataError(f"{path} must hold a list of polygons, or an object with a list under words or polygons")
    return [entry["polygon"] if isinstance(entry, dict) and "polygon" in entry else entry for entry in content]


def _numbers(line: str, number: int, path: str | os.PathLike[str]) -> list[float]:
    parts = re.split(r"\s*[,;]\s*|\s+", line.strip())
    found: list[float] = []
    for part in parts:
        if NUMBER.fullmatch(part) is None:
            break
        found.append(float(part))
    transcribed = len(found) < len(parts)
    if len(found) < 4:
        raise DataError(
            f"{path}, line {number}: expected 8 numbers (x and y of four corners) or 4 (left, top, right, bottom), got "
            f"{line.strip()[:40]!r}"
        )
    if transcribed or len(found) == 9:
        return found[:8] if len(found) >= 8 else found[:4]
    return found

"""The lists of ICDAR-2013 and -2015: `word_1.png, "Tiredness"`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from segrec.core.errors import DataError
from segrec.importers.base import LAYOUTS, Crop, LineImporter

_LINE = re.compile(r'([^,]+),\s*+"(.*)"')
_ESCAPED = re.compile(r'\\(["\\])')


def unescaped(text: str) -> str:
    r"""Return the text between the outer quotes, where the release writes `\"` for a quote and `\\` for a backslash."""
    return _ESCAPED.sub(r"\1", text)


def find_list(root: str | os.PathLike[str], pairs: Sequence[tuple[str, str]]) -> tuple[Path, Path] | None:
    """Return the first (list file, folder of pictures) below `root` of which both exist."""
    found = [(Path(root) / file, Path(root) / folder) for file, folder in pairs]
    return next((pair for pair in found if pair[0].is_file() and pair[1].is_dir()), None)


def no_release(root: str | os.PathLike[str], release: str, pairs: Sequence[tuple[str, str]]) -> DataError:
    """Return the error that says which list and folder were expected below `root`."""
    expected = " or ".join(f"{file} with {'its pictures' if folder == '.' else folder + '/'}" for file, folder in pairs)
    return DataError(f"{root} holds no {release}: expected {expected}; {LAYOUTS}")


class QuotedList(LineImporter):
    """The crops of a list of names and labels in quotes; a label may hold commas and quotes.

    Args:
        file: the list, UTF-8 with or without a byte-order mark.
        folder: of the pictures.
    """

    expected = 'word_1.png, "Tiredness"'

    def __init__(self, file: Path, folder: Path) -> None:
        super().__init__(file)
        self._folder = folder

    def crop(self, line: str) -> Crop | None:
        """Return the crop of a line."""
        match = _LINE.fullmatch(line.strip())
        name = "" if match is None else match[1].strip()
        return Crop(str(self._folder / name), name, unescaped(match[2])) if match and name else None

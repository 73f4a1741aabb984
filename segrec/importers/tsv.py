"""Word crops with a list of paths and labels: anybody's, SVT-Perspective's and CUTE80's."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from segrec.importers.base import Crop, LineImporter, Skip, first_file

OUTSIDE = "outside the list's folder, which --outside follows"
LISTS = ("labels.tsv", "gt.tsv", "labels.txt", "gt.txt")
"""Names of the list where only its folder is given."""


class TabList(LineImporter):
    """The crops of a list; paths are relative to it, and everything after the first tab is the label.

    Args:
        source: the list, or the folder that holds one of `LISTS`.
        spaces: in a line without a tab, the first space parts path and label.
        outside: follow paths that lead out of the list's folder, by their names or through links; without it their
            words are left out.

    Raises:
        DataError: there is no list.
    """

    def __init__(
        self, source: str | os.PathLike[str], split: str = "all", *, spaces: bool = False, outside: bool = False
    ) -> None:
        file = Path(source)
        super().__init__(file if file.is_file() else first_file(file, LISTS, "folder of crops with a list"))
        self._spaces, self._outside = spaces, outside
        self._root = os.path.realpath(self._file.parent)

    @property
    def expected(self) -> str:
        """What a line looks like, for people."""
        return "path, tab or space, text" if self._spaces else "path, tab, text"

    def crop(self, line: str) -> Crop | Skip | None:
        """Return the crop of a line, which is left out where its path leads out of the list's folder."""
        name, parting, label = line.partition("\t")
        if not parting and self._spaces:
            name, parting, label = line.partition(" ")
        if not parting or not name.strip():
            return None
        picture = str(self._file.parent / name.strip())
        if self._outside or self._is_inside(picture):
            return Crop(picture, name.strip(), label.strip())
        return Skip(name.strip(), OUTSIDE)

    def _is_inside(self, picture: str) -> bool:
        """Return whether a path, its links followed, stays in the list's folder."""
        folder, name = os.path.split(picture)
        try:
            found = os.path.join(_real(folder), name)
            return _is_below(os.path.realpath(found) if os.path.islink(found) or name == ".." else found, self._root)
        except ValueError:  # a NUL byte
            return True  # there is no such file, which is said when it is opened


def open_packed_list(source: str | os.PathLike[str], split: str, *, outside: bool = False) -> TabList:
    """Return the crops of SVT-Perspective or CUTE80, whose releases are handed on in several packings.

    A tab or, where there is none, the first space parts path and label; for the rest see `TabList`.

    Raises:
        DataError: there is no list.
    """
    return TabList(source, split, spaces=True, outside=outside)


@lru_cache(maxsize=1024)
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)

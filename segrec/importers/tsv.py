"""Word crops with a list of their own: path, tab, text."""

from __future__ import annotations

import os
from pathlib import Path

from segrec.importers.base import Crop, LineImporter, first_file

LISTS = ("labels.tsv", "gt.tsv", "labels.txt", "gt.txt")
"""Names of the list where only its folder is given."""


class TabList(LineImporter):
    """The crops of a list; paths are relative to it, and everything after the first tab is the label.

    Args:
        source: the list, or the folder that holds one of `LISTS`.
        spaces: in a line without a tab, the first space parts path and label.

    Raises:
        DataError: there is no list.
    """

    def __init__(self, source: str | os.PathLike[str], split: str = "all", *, spaces: bool = False) -> None:
        file = Path(source)
        super().__init__(file if file.is_file() else first_file(file, LISTS, "folder of crops with a list"))
        self._spaces = spaces

    @property
    def expected(self) -> str:
        """What a line looks like, for people."""
        return "path, tab or space, text" if self._spaces else "path, tab, text"

    def crop(self, line: str) -> Crop | None:
        """Return the crop of a line."""
        name, parting, label = line.partition("\t")
        if not parting and self._spaces:
            name, parting, label = line.partition(" ")
        if not parting or not name.strip():
            return None
        return Crop(str(self._file.parent / name.strip()), name.strip(), label.strip())

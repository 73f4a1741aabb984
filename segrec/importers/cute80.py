"""CUTE80: word crops with a list of paths and labels."""

from __future__ import annotations

import os

from segrec.importers.base import Importer
from segrec.importers.tsv import TabList


def open_cute80(source: str | os.PathLike[str], split: str, *, outside: bool = False) -> Importer:
    """Return the crops of the list, in which a tab or, where there is none, the first space parts path and label.

    The release is handed on in several packings; `source` is the list or its folder, see `TabList`.

    Raises:
        DataError: there is no list.
    """
    return TabList(source, split, spaces=True, outside=outside)

"""IIIT5K: word crops whose labels and two lexicons are in a MATLAB file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from segrec.core.errors import DataError
from segrec.core.matlab import load_matlab
from segrec.importers.base import Crop, FileImporter, Skip, first_file

LEXICONS = {"smallLexi": "lexicon", "mediumLexi": "lexicon-medium"}
"""The field of each lexicon, of 50 and of 1000 words, and the stem of the file that it is written to."""


class Iiit5k(FileImporter):
    """The crops of `traindata.mat` or `testdata.mat`.

    Args:
        root: the folder that holds the file and the pictures, or the one above.
        split: `train` or `test`.

    Raises:
        DataError: there is no such file.
    """

    def __init__(self, root: str | os.PathLike[str], split: str) -> None:
        name = f"{split}data.mat"
        self._variable = f"{split}data"
        super().__init__(first_file(root, [name, f"IIIT5K/{name}"], f"IIIT5K {split} set"))

    @cached_property
    def _rows(self) -> Any:
        content = load_matlab(self._file, variables=[self._variable])
        rows = content.get(self._variable)
        fields = () if rows is None else rows.dtype.names or ()
        missing = [name for name in ("ImgName", "GroundTruth", *LEXICONS) if name not in fields]
        if rows is None or missing:
            raise DataError(f"{self._file}: expected a {self._variable} with the fields {', '.join(missing)}")
        return np.ravel(rows)

    def count(self) -> int:
        """Return the number of crops."""
        return len(self._rows)

    def items(self) -> Iterator[Crop | Skip]:
        """Yield each crop with its lexicons."""
        for row in self._rows:
            name, label = _text(row["ImgName"]), _text(row["GroundTruth"])
            lexicons = {stem: [_text(word) for word in np.ravel(row[field])] for field, stem in LEXICONS.items()}
            yield Crop(str(self._file.parent / name), name, label, lexicons=lexicons)


def _text(cell: Any) -> str:
    """Return a MATLAB string, which SciPy gives as an array of one element, or of none when it is empty."""
    return str(np.ravel(cell)[0]) if np.size(cell) else ""

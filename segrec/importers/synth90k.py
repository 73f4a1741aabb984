"""Synth90k (mjsynth): nine million crops whose file names hold their labels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from segrec.core.errors import DataError
from segrec.importers.base import Crop, Skip, count_lines, first_file, numbered_lines

INSIDE = "mnt/ramdisk/max/90kDICT32px"
"""Where the release's archive keeps everything."""


class Synth90k:
    """The crops that an `annotation*.txt` names.

    Args:
        root: the unpacked archive, or its folder `90kDICT32px`.
        split: `all`, `train`, `val` or `test`.

    Raises:
        DataError: there is no such file.
    """

    def __init__(self, root: str | os.PathLike[str], split: str) -> None:
        name = "annotation.txt" if split == "all" else f"annotation_{split}.txt"
        self._file = first_file(root, [f"{INSIDE}/{name}", name], f"Synth90k {split} set")

    @property
    def annotations(self) -> Sequence[Path]:
        """The list of crops."""
        return [self._file]

    def count(self) -> int:
        """Return the number of lines."""
        return count_lines(self._file)

    def items(self) -> Iterator[Crop | Skip]:
        """Yield the crop of each line, `./3000/7/182_slinking_71711.jpg 71711`: the label is the second `_` field."""
        folder = str(self._file.parent)
        for number, line in numbered_lines(self._file):
            path = line.split(" ", 1)[0].removeprefix("./")
            fields = path.rpartition("/")[2].split("_")
            if len(fields) != 3:
                raise DataError(
                    f"{self._file}, line {number}: expected ./3000/7/182_slinking_71711.jpg 71711, got {line[:80]!r}"
                )
            yield Crop(f"{folder}/{path}", path, fields[1])

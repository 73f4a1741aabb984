"""Synth90k (mjsynth): nine million crops whose file names hold their labels."""

from __future__ import annotations

import os

from segrec.importers.base import Crop, LineImporter, first_file

INSIDE = "mnt/ramdisk/max/90kDICT32px"
"""Where the release's archive keeps everything."""


class Synth90k(LineImporter):
    """The crops that an `annotation*.txt` names.

    Args:
        root: the unpacked archive, or its folder `90kDICT32px`.
        split: `all`, `train`, `val` or `test`.

    Raises:
        DataError: there is no such file.
    """

    expected = "./3000/7/182_slinking_71711.jpg 71711"

    def __init__(self, root: str | os.PathLike[str], split: str) -> None:
        name = "annotation.txt" if split == "all" else f"annotation_{split}.txt"
        super().__init__(first_file(root, [f"{INSIDE}/{name}", name], f"Synth90k {split} set"))
        self._folder = str(self._file.parent)

    def crop(self, line: str) -> Crop | None:
        """Return the crop of a line, `./3000/7/182_slinking_71711.jpg 71711`: the label is the second `_` field."""
        path = line.split(" ", 1)[0].removeprefix("./")
        fields = path.rpartition("/")[2].split("_")
        return Crop(f"{self._folder}/{path}", path, fields[1]) if len(fields) == 3 else None

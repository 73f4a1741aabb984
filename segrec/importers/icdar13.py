"""ICDAR-2013 (Challenge 2, focused scene text): word crops with a list, or scenes with a file of boxes each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from segrec.core.errors import DataError
from segrec.importers.base import Crop, Importer, Skip, count_lines, numbered_lines
from segrec.importers.quoted_list import QuotedList, find_list, no_release, unescaped

CROPS = {
    "train": [("Challenge2_Training_Task3_Images_GT/gt.txt", "Challenge2_Training_Task3_Images_GT"), ("gt.txt", ".")],
    "test": [("Challenge2_Test_Task3_GT.txt", "Challenge2_Test_Task3_Images"), ("gt.txt", ".")],
}
"""List and folder of the crops, by the release's names or plainly."""
SCENES = {
    "train": ("Challenge2_Training_Task1_GT", "Challenge2_Training_Task12_Images"),
    "test": ("Challenge2_Test_Task1_GT", "Challenge2_Test_Task12_Images"),
}
"""Folder of the boxes and of the scenes."""

_BOX = re.compile(r'(-?\d{1,9})[,\s]++(-?\d{1,9})[,\s]++(-?\d{1,9})[,\s]++(-?\d{1,9})[,\s]++"(.*)"')


def open_icdar13(root: str | os.PathLike[str], split: str) -> Importer:
    """Return the words of a split: the crops where there are any, else the boxes of the scenes.

    Raises:
        DataError: there are neither.
    """
    found = find_list(root, CROPS[split])
    if found is not None:
        return QuotedList(*found)
    boxes, scenes = (Path(root) / name for name in SCENES[split])
    if not boxes.is_dir() or not scenes.is_dir():
        raise no_release(root, f"ICDAR-2013 {split} set", [*CROPS[split], (SCENES[split][0], SCENES[split][1])])
    return BoxFiles(boxes, scenes)


class BoxFiles(Importer):
    """The boxes of `gt_<scene>.txt`: left, top, right, bottom and the word in quotes, a line.

    The train set writes spaces between them and the test set commas; either is read.
    """

    def __init__(self, folder: Path, scenes: Path) -> None:
        self._scenes = scenes
        self._files = sorted(folder.glob("gt_*.txt"), key=lambda path: (len(path.name), path.name))
        if not self._files:
            raise DataError(f"{folder} holds no gt_<scene>.txt; expected one for each picture of {scenes}")
        super().__init__(self._files)

    def count(self) -> int:
        """Return the number of lines."""
        return sum(count_lines(file) for file in self._files)

    def items(self) -> Iterator[Crop | Skip]:
        """Yield the word of each line."""
        for file in self._files:
            scene = f"{file.stem.removeprefix('gt_')}.jpg"
            picture = str(self._scenes / scene)
            for order, (number, line) in enumerate(numbered_lines(file), start=1):
                match = _BOX.fullmatch(line.strip())
                if match is None:
                    raise DataError(f'{file}, line {number}: expected 38, 43, 920, 215, "Word", got {line[:80]!r}')
                left, top, right, bottom = (float(side) for side in match.groups()[:4])
                yield Crop(picture, f"{scene}#{order}", unescaped(match[5]), ((left, top), (right, bottom)))

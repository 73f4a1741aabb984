"""ICDAR-2003: `words.xml` of rectangles in scenes, or `word.xml` of crops."""

from __future__ import annotations

import os
from collections.abc import Iterator

from segrec.core.errors import DataError
from segrec.importers.base import Crop, FileImporter, Importer, Skip, count_in_file, first_file
from segrec.importers.tagged_xml import TaggedScenes, elements

FOLDERS = {"train": "SceneTrialTrain", "test": "SceneTrialTest"}
"""The release's folder of scenes."""


def open_icdar03(root: str | os.PathLike[str], split: str) -> Importer:
    """Return the words of a split; the rotation that some rectangles state is not undone.

    Args:
        root: the folder that holds `words.xml` or `word.xml`, or the one above `SceneTrialTrain` and `SceneTrialTest`.
        split: `train` or `test`.

    Raises:
        DataError: there is no such file.
    """
    names = ["words.xml", "word.xml", f"{FOLDERS[split]}/words.xml"]
    file = first_file(root, names, f"ICDAR-2003 {split} set")
    return WordCrops(file) if file.name == "word.xml" else TaggedScenes(file)


class WordCrops(FileImporter):
    """The crops of a `word.xml`: `<image file="word/1/1.jpg" tag="self" />`."""

    def count(self) -> int:
        """Return the number of crops."""
        return count_in_file(self._file, b"<image ")

    def items(self) -> Iterator[Crop | Skip]:
        """Yield each crop."""
        for number, image in enumerate(elements(self._file, "image"), start=1):
            name, label = image.get("file"), image.get("tag")
            if name is None or label is None:
                raise DataError(
                    f"{self._file}, image {number}: expected the attributes file and tag, got {image.attrib}"
                )
            yield Crop(str(self._file.parent / name), name, label)

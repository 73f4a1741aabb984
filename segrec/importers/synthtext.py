"""SynthText: words with quadrangles in rendered scenes, all in one MATLAB file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from segrec.core.errors import DataError
from segrec.core.matlab import load_matlab
from segrec.importers.base import Crop, FileImporter, Skip, first_file

NEEDED = ("imnames", "wordBB", "txt")
"""The boxes of characters, the larger half of the file, are not unpacked."""


class SynthText(FileImporter):
    """The words of `gt.mat`, which lies beside the folders of scenes.

    The file is held in memory while its words are read: MATLAB files cannot be streamed.

    Raises:
        DataError: there is no such file.
    """

    def __init__(self, root: str | os.PathLike[str], split: str) -> None:
        super().__init__(first_file(root, ["gt.mat", "SynthText/gt.mat"], "SynthText"))

    @cached_property
    def _content(self) -> list[Any]:
        content = load_matlab(self._file, variables=NEEDED, most=None)
        missing = [name for name in NEEDED if name not in content]
        if missing:
            raise DataError(f"{self._file} holds no {', '.join(missing)}; expected the gt.mat of SynthText")
        columns = [np.ravel(content[name]) for name in NEEDED]
        if len({len(column) for column in columns}) > 1:
            lengths = ", ".join(f"{len(column)} {name}" for column, name in zip(columns, NEEDED, strict=True))
            raise DataError(f"{self._file}: expected as many of each, got {lengths}; fetch it again")
        return columns

    def count(self) -> int:
        """Return the number of quadrangles."""
        return sum(boxes.shape[2] if np.ndim(boxes) == 3 else 1 for boxes in self._content[1])

    def items(self) -> Iterator[Crop | Skip]:
        """Yield the words of each scene; those of a scene with more or fewer texts than quadrangles are skipped."""
        for position, (name, boxes, texts) in enumerate(zip(*self._content, strict=True), start=1):
            scene, boxes = str(np.ravel(name)[0]) if np.size(name) else "", np.asarray(boxes)
            corners = boxes[:, :, None] if boxes.ndim == 2 else boxes
            if corners.shape[:2] != (2, 4):
                raise DataError(
                    f"{self._file}, picture {position} ({scene}): expected a wordBB of 2x4xm, got {boxes.shape}"
                )
            words = [word for text in np.ravel(texts) for word in str(text).split()]
            outlines = corners.transpose(2, 1, 0).tolist()
            picture = str(self._file.parent / scene)
            for number, outline in enumerate(outlines, start=1):
                if len(words) == len(outlines):
                    yield Crop(picture, f"{scene}#{number}", words[number - 1], tuple(map(tuple, outline)))
                else:
                    detail = f"{len(words)} texts for {len(outlines)} boxes"
                    yield Skip(f"{scene}#{number}", "the picture's texts and boxes differ in number", detail)

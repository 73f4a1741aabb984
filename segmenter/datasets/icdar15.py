"""ICDAR-2015 incidental scenes: photographs with the quadrangles of their words, and no pixel masks."""

from __future__ import annotations

import os
from pathlib import Path

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import (
    README,
    SceneWord,
    TranscribedImages,
    WordRegions,
    pictures,
    polygon_of,
    read_lines,
    read_stored,
    region_mask,
)
from segrec.core.errors import DataError

LAYOUTS = {
    "train": (("ch4_training_images", "ch4_training_localization_transcription_gt"), ("images", "gt")),
    "test": (("ch4_test_images", "Challenge4_Test_Task1_GT"), ("images", "gt")),
}
"""Folders of images and of ground truth: the release's own names, or a plain pair that is read for either split."""
UNREADABLE = "###"
COORDINATES = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")


class Icdar15(TranscribedImages):
    """ICDAR-2015 incidental scenes (Challenge 4); region masks from the words' quadrangles, no text masks.

    Args:
        root: holds the folder of images and the folder of `gt_<image>.txt`, see `LAYOUTS`.
        split: `train` or `test`.

    Raises:
        DataError: a folder is missing, or an image has no ground truth.
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train") -> None:
        folders = [(Path(root) / images, Path(root) / truth) for images, truth in LAYOUTS[split]]
        pair = next((pair for pair in folders if all(folder.is_dir() for folder in pair)), None)
        if pair is None:
            expected = " or ".join(f"{images}/ with {truth}/" for images, truth in LAYOUTS[split])
            raise DataError(f"{root} is not an ICDAR-2015 {split} set; expected {expected}; {README}")
        self._images = list(pictures(pair[0]).values())
        self._truth = [pair[1] / f"gt_{path.stem}.txt" for path in self._images]
        present = {path.name for path in pair[1].iterdir()}
        for image, truth in zip(self._images, self._truth, strict=True):
            if truth.name not in present:
                raise DataError(f"{image} has no ground truth; expected {truth}; {README}")

    def __len__(self) -> int:
        return len(self._images)

    def name(self, position: int) -> str:
        """Return the image's stem."""
        return self._images[position].stem

    def path(self, position: int) -> Path:
        """Return the image's file."""
        return self._images[position]

    def words(self, position: int) -> list[SceneWord]:
        """Return the words of one scene, see `read_words`."""
        return read_words(self._truth[position])

    def sample(self, position: int) -> SegmentationSample:
        """Return one scene; its text mask is None.

        Raises:
            DataError: the image or a line of its ground truth cannot be read.
        """
        image = read_stored(self._images[position])
        words, ignored = read_quadrangles(self._truth[position])
        return SegmentationSample(image, None, region_mask(words, image.shape[:2], ignored=ignored))


def read_quadrangles(path: str | os.PathLike[str], *, script: bool = False) -> WordRegions:
    """Return the quadrangles of words that can be read and of the others; for the rest see `read_words`."""
    words = read_words(path, script=script)
    return WordRegions(
        [word.outline for word in words if word.text is not None],
        [word.outline for word in words if word.text is None],
    )


def read_words(path: str | os.PathLike[str], *, script: bool = False) -> list[SceneWord]:
    """Return the words of a `gt_*.txt`: eight coordinates and a transcription, which may hold commas, a line.

    Args:
        path: of the file.
        script: a line names the word's script before the transcription, as in MLT.

    Raises:
        DataError: the file cannot be read, or a line has another form; names file and line.
    """
    columns = [*COORDINATES, *(["script"] if script else []), "transcription"]
    found = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        fields = line.split(",", len(columns) - 1)
        place = f"{path}, line {number}"
        if len(fields) < len(columns):
            raise DataError(f"{place}: expected {','.join(columns)}, got {line!r}")
        text = fields[-1].strip()
        found.append(SceneWord(polygon_of(fields[:8], place), None if text == UNREADABLE else text))
    return found

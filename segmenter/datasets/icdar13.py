"""ICDAR-2013 focused scene text, segmentation (Challenge 2, task 2): one colour per character on white."""

from __future__ import annotations

import os
from pathlib import Path

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import README, NamedImages, WordRegions, check_size, pictures, read_stored, region_mask
from segmenter.datasets.icdar13_truth import CharacterList, read_characters, read_word_boxes, stroke_mask
from segmenter.datasets.pairs import matched
from segrec.core.errors import DataError
from segrec.core.runlog import LOGGER

FOLDERS = {"train": "Challenge2_Training", "test": "Challenge2_Test"}
"""Beginning of the release's folder names of a split."""
IMAGES, CHARACTERS, WORDS = "Task12_Images", "Task2_GT", "Task1_GT"
PAINTED = (("{}_GT.bmp", "{}_GT.txt"), ("gt_{}.png", "gt_{}.txt"))
"""How the painted characters of an image and their list are called; the second pair occurs in the test part."""


class Icdar13(NamedImages):
    """ICDAR-2013 with pixel masks: text from the painted characters, regions from the boxes of words.

    Listed colours are text, white is background, and whatever else (colours of lines that begin with `#` or quote a
    blank, colours not listed) is ignored. Where an image has no list, every colour but white is text. The regions are
    the boxes of `gt_<image>.txt` in the folder of task 1 where that file is there, else one box around the characters
    of a word, else None; characters that are ignored are ignored in the regions too.

    Attributes:
        holes: images without painted characters and painted characters without an image; they are left out.
        without_list: names of the images without a list of characters.

    Args:
        root: holds `Challenge2_Training_Task12_Images/` with `Challenge2_Training_Task2_GT/` and, if wanted,
            `Challenge2_Training_Task1_GT/`; the same with `Challenge2_Test`.
        split: `train` or `test`.

    Raises:
        DataError: a folder is missing, or no image has ground truth.
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train") -> None:
        images, characters, self._words = (
            Path(root) / f"{FOLDERS[split]}_{part}" for part in (IMAGES, CHARACTERS, WORDS)
        )
        if not images.is_dir() or not characters.is_dir():
            raise DataError(
                f"{root} is not an ICDAR-2013 segmentation {split} set; expected {images.name}/100.jpg with "
                f"{characters.name}/100_GT.bmp and 100_GT.txt; {README}"
            )
        self._images = pictures(images)
        self._painted = _painted(characters)
        self._names, self.holes = matched(
            self._images, self._painted, root=characters, expected=f"<image>_GT.bmp for {images.name}/<image>.jpg"
        )
        self._listed = {name: path for name, path in _lists(characters).items() if name in self._painted}
        self.without_list = tuple(name for name in self._names if name not in self._listed)
        if self.without_list:
            LOGGER.warning(
                "%s: %d images have no list of characters, all colours but white are text there, the first is %s",
                characters,
                len(self.without_list),
                self.without_list[0],
            )

    def files(self, position: int) -> list[Path]:
        """Return the image's file and those of its ground truth that are there, the image first."""
        name = self._names[position]
        found = [self._images[name], self._painted[name]]
        if name in self._listed:
            found.append(self._listed[name])
        boxes = self._word_boxes(name)
        return found if boxes is None else [*found, boxes]

    def regions(self, position: int) -> WordRegions | None:
        """Return the boxes of words, or None when the image has neither word boxes nor a list of characters.

        Raises:
            DataError: a line cannot be read; names file and line.
        """
        name = self._names[position]
        return self._regions(name, self._characters(name))

    def _regions(self, name: str, characters: CharacterList | None) -> WordRegions | None:
        boxes = self._word_boxes(name)
        if boxes is None:
            return None if characters is None else WordRegions(characters.words, characters.ignored)
        found = read_word_boxes(boxes)
        return WordRegions(found.words, [*found.ignored, *(characters.ignored if characters else [])])

    def sample(self, position: int) -> SegmentationSample:
        """Return one image with its masks.

        Raises:
            DataError: a file cannot be read, or the painted characters have another size than the image.
        """
        name = self._names[position]
        image = read_stored(self._images[name])
        characters = self._characters(name)
        text = stroke_mask(read_stored(self._painted[name]), characters)
        check_size(text, image, mask_path=self._painted[name], image_path=self._images[name])
        regions = self._regions(name, characters)
        region = None if regions is None else region_mask(regions.words, text.shape, ignored=regions.ignored)
        return SegmentationSample(image, text, region)

    def _characters(self, name: str) -> CharacterList | None:
        return read_characters(self._listed[name]) if name in self._listed else None

    def _word_boxes(self, name: str) -> Path | None:
        path = self._words / f"gt_{name}.txt"
        return path if path.is_file() else None


def splits_in(root: str | os.PathLike[str]) -> list[str]:
    """Return the splits whose images lie below `root`."""
    return [split for split, start in FOLDERS.items() if (Path(root) / f"{start}_{IMAGES}").is_dir()]


def _painted(folder: Path) -> dict[str, Path]:
    return _by_pattern(folder, [pattern for pattern, _ in PAINTED])


def _lists(folder: Path) -> dict[str, Path]:
    return _by_pattern(folder, [pattern for _, pattern in PAINTED])


def _by_pattern(folder: Path, patterns: list[str]) -> dict[str, Path]:
    """Return the files of a folder whose name fits a pattern, by what stands for `{}`; earlier patterns win."""
    found: dict[str, Path] = {}
    for pattern in patterns:
        before, _, after = pattern.partition("{}")
        for path in folder.iterdir():
            if path.name.startswith(before) and path.name.endswith(after) and len(path.name) > len(before + after):
                found.setdefault(path.name[len(before) : len(path.name) - len(after)], path)
    return found

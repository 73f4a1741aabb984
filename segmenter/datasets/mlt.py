"""ICDAR MLT 2017 and 2019, many-script scenes: quadrangles of words, and text masks where MLT_S lies beside them."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import (
    README,
    NamedImages,
    SceneWord,
    TranscribedImages,
    check_size,
    pictures,
    read_stored,
    region_mask,
)
from segmenter.datasets.icdar15 import read_quadrangles, read_words
from segmenter.datasets.pairs import matched
from segmenter.datasets.weak_labels import read_weak_labels
from segrec.core.errors import DataError

IMAGES = {
    "train": ("ch8_training_images*", "ImagesPart*"),
    "val": ("ch8_validation_images*",),
}
TRUTH = {
    "train": ("ch8_training_localization_transcription_gt*", "train_gt_t13*"),
    "val": ("ch8_validation_localization_transcription_gt*",),
}
"""Names of the folders of images and of ground truth, those of 2017 first; the images come in several folders."""
LABELS = {"train": "MLT_S_labels/training_labels", "val": "MLT_S_labels/validation_labels"}
"""Folders of the MLT_S text masks."""
EXPECTED = {
    "train": "ch8_training_images_1/img_1.jpg with ch8_training_localization_transcription_gt_v2/gt_img_1.txt",
    "val": "ch8_validation_images/img_1.jpg with ch8_validation_localization_transcription_gt_v2/gt_img_1.txt",
}


class Mlt(NamedImages, TranscribedImages):
    """MLT 2017 or 2019: region masks from the words' quadrangles; text masks from `img_<N>.png` of MLT_S.

    Words whose transcription is `###` are ignored in the region mask. An image that MLT_S lacks has no text mask.

    Attributes:
        holes: images without ground truth and ground truth without an image; they are left out.

    Args:
        root: holds the unpacked archives, see `IMAGES`, `TRUTH` and `LABELS`.
        split: `train` or `val`; the part of 2019 that has ground truth is `train`.

    Raises:
        DataError: a folder is missing, two images share a stem, or no image has ground truth.
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train") -> None:
        image_folders, truth_folders = folders(Path(root), IMAGES[split]), folders(Path(root), TRUTH[split])
        if not image_folders or not truth_folders:
            raise DataError(f"{root} is not an MLT {split} set; expected {EXPECTED[split]}; {README}")
        self._images: dict[str, Path] = {}
        for folder in image_folders:
            for stem, path in pictures(folder).items():
                if stem in self._images:
                    raise DataError(f"{path} and {self._images[stem]} share a stem; keep one of them")
                self._images[stem] = path
        self._truth = {
            path.stem.removeprefix("gt_"): path for folder in truth_folders for path in sorted(folder.glob("*.txt"))
        }
        self._names, self.holes = matched(self._images, self._truth, root=root, expected=EXPECTED[split])
        labels = Path(root) / LABELS[split]
        self._labels = {path.stem: path for path in labels.glob("*.png")}

    def path(self, position: int) -> Path:
        """Return the image's file."""
        return self._images[self._names[position]]

    def words(self, position: int) -> list[SceneWord]:
        """Return the words of one scene, see `read_words`."""
        return read_words(self._truth[self._names[position]], script=True)

    def sample(self, position: int) -> SegmentationSample:
        """Return one scene with its region mask and, where MLT_S has it, its text mask.

        Raises:
            DataError: a file or a line cannot be read, or the label's size is not the image's.
        """
        name = self._names[position]
        image = read_stored(self._images[name])
        words, ignored = read_quadrangles(self._truth[name], script=True)
        text = None
        if name in self._labels:
            path = self._labels[name]
            text = check_size(read_weak_labels(path), image, mask_path=path, image_path=self._images[name])
        return SegmentationSample(image, text, region_mask(words, image.shape[:2], ignored=ignored))


def folders(root: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Return the folders below `root` whose name fits one of the patterns, those of the first pattern that fits any."""
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    chosen = ([folder for folder in folders if fnmatch(folder.name, pattern)] for pattern in patterns)
    return next((found for found in chosen if found), [])

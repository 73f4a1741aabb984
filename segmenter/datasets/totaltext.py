"""Total-Text: photographs with curved words, their pixel masks and their regions."""

from __future__ import annotations

import os
from pathlib import Path

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import (
    README,
    NamedImages,
    check_size,
    first_folder,
    pictures,
    read_mask,
    read_stored,
    region_mask,
)
from segmenter.datasets.totaltext_truth import read_polygons
from segrec.core.errors import DataError
from segrec.core.images import Array
from segrec.core.runlog import LOGGER

FOLDERS = {"train": "Train", "test": "Test"}
IMAGES = ("Images", "totaltext/Images", ".")
PIXELS = ("groundtruth_pixel", "Annotation/groundtruth_pixel")
REGIONS = (
    "groundtruth_textregion/Text_Region_Mask",
    "groundtruth_textregion",
    "Annotation/groundtruth_textregion",
)
POLYGONS = (
    "groundtruth_polygonal_annotation",
    "Annotation/groundtruth_polygonal_annotation",
    "Polygon",
    "Groundtruth/Polygon",
    "groundtruth_text/Groundtruth/Polygon",
    "txt_format",
)
"""Where the archives of the release put their `Train/` and `Test/`, seen from the root; the first that is there."""


class TotalText(NamedImages):
    """Total-Text with pixel masks, and with regions from region masks, else from polygons, else without regions.

    Pixel masks are JPEG: a value over 127 is text, nothing is ignored. Words marked `#` are ignored regions where the
    regions come from polygons.

    Args:
        root: holds `Images/`, `groundtruth_pixel/` and, if wanted, `groundtruth_textregion/Text_Region_Mask/` or a
            folder of polygons (see `POLYGONS`), each with `Train/` and `Test/`.
        split: `train` or `test`.

    Raises:
        DataError: a folder is missing, or an image has no mask or no polygons.
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train") -> None:
        part = FOLDERS[split]
        images, pixels, regions, polygons = (
            first_folder(Path(root), [f"{name}/{part}" for name in names])
            for names in (IMAGES, PIXELS, REGIONS, POLYGONS)
        )
        if images is None or pixels is None:
            raise DataError(
                f"{root} is not a Total-Text {split} set; expected {PIXELS[0]}/{part}/img1.jpg beside "
                f"{IMAGES[0]}/{part}/img1.jpg; {README}"
            )
        self._images = pictures(images)
        self._names = list(self._images)
        self._text = self._complete(pictures(pixels), f"{pixels}/{{}}.jpg")
        self._regions, self._polygons = {}, {}
        if regions is not None:
            self._regions = self._complete(pictures(regions), f"{regions}/{{}}.png")
        elif polygons is not None:
            self._polygons = self._complete(_polygon_files(polygons), f"{polygons}/poly_gt_{{}}.txt or .mat")
        else:
            LOGGER.warning("%s has neither %s nor %s: its regions are unknown", root, REGIONS[0], POLYGONS[0])

    def _complete(self, truth: dict[str, Path], expected: str) -> dict[str, Path]:
        """Return `truth`, known to have every image."""
        for name, path in self._images.items():
            if name not in truth:
                raise DataError(f"{path} has no ground truth; expected {expected.format(name)}; {README}")
        return truth

    def sample(self, position: int) -> SegmentationSample:
        """Return one photograph with its masks; the region mask is None when the dataset has none.

        Raises:
            DataError: a file cannot be read, or a mask's size is not the image's.
            LibraryError: the polygons are MATLAB files and SciPy is missing.
        """
        name = self._names[position]
        image = read_stored(self._images[name])

        def mask(path: Path) -> Array:
            return check_size(read_mask(path), image, mask_path=path, image_path=self._images[name])

        region = None
        if name in self._regions:
            region = mask(self._regions[name])
        elif name in self._polygons:
            words, ignored = read_polygons(self._polygons[name])
            region = region_mask(words, image.shape[:2], ignored=ignored)
        return SegmentationSample(image, mask(self._text[name]), region)


def _polygon_files(folder: Path) -> dict[str, Path]:
    """Return the files of polygons by their image's stem; text files before MATLAB files, which need SciPy."""
    found: dict[str, Path] = {}
    for suffix in (".txt", ".mat"):
        for path in folder.glob(f"*{suffix}"):
            found.setdefault(path.stem.removeprefix("poly_").removeprefix("gt_"), path)
    return found

"""COCO-Text v2: outlines of text on the 2014 pictures of COCO, masks where COCO_TS lies beside; and COCO-TS alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import (
    README,
    MaskedImages,
    Polygon,
    WordRegions,
    check_size,
    polygon_of,
    read_stored,
    region_mask,
)
from segmenter.datasets.pairs import matched
from segmenter.datasets.weak_labels import check_count, listed_stems, read_weak_labels
from segrec.core.errors import DataError
from segrec.core.files import read_json

ANNOTATIONS, IMAGES, LABELS = "cocotext.v2.json", "train2014", "COCO_TS_labels"
COCO_TS_PICTURES = 14_690
"""Of S. Bonechi et al., Pattern Recognition Letters 2020, and of Wang et al., Section IV.A.1."""
COCO_TS_LIST = "COCO_TS.txt"

LEGIBLE, PRINTED, ENGLISH = "legible", "machine printed", "english"


class CocoText(MaskedImages):
    """COCO-Text v2 with region masks from the outlines; text masks from `<image>.png` of COCO_TS.

    Text that is not marked legible is ignored in the region mask. A picture without a file in COCO_TS has no text mask.
    Pictures without any annotation, in which the annotators found no text, are left out.

    Attributes:
        holes: pictures without annotations, and annotated pictures that are not in the folder; they are left out.

    Args:
        root: holds `cocotext.v2.json`, `train2014/` and, for text masks, `COCO_TS_labels/`.
        split: `train` or `val`, which the annotations tell apart; all pictures lie in `train2014/`. None takes both.

    Raises:
        DataError: a file is missing or has another form, or no picture of the split has an annotation.
    """

    def __init__(self, root: str | os.PathLike[str], split: str | None = "train") -> None:
        path = Path(root) / ANNOTATIONS
        self._folder, self._labels = Path(root) / IMAGES, Path(root) / LABELS
        if not path.is_file() or not self._folder.is_dir():
            raise DataError(
                f"{root} is not COCO-Text; expected {ANNOTATIONS} and {IMAGES}/COCO_train2014_<number>.jpg; {README}"
            )
        self._outlines, listed = _read(path, split)
        here = listed.intersection(entry.name for entry in os.scandir(self._folder))
        self._files, self.holes = matched(
            here, self._outlines, root=root, expected=f"the pictures of {ANNOTATIONS} in {self._folder}"
        )
        self._labelled = {entry.name for entry in os.scandir(self._labels)} if self._labels.is_dir() else set()

    def __len__(self) -> int:
        return len(self._files)

    def name(self, position: int) -> str:
        """Return the picture's stem."""
        return Path(self._files[position]).stem

    def sample(self, position: int) -> SegmentationSample:
        """Return one picture with its region mask and, where COCO_TS has it, its text mask.

        Raises:
            DataError: a file cannot be read, or the label's size is not the picture's.
        """
        path = self._folder / self._files[position]
        image = read_stored(path)
        words, ignored = self._outlines[path.name]
        text = None
        label = self._labels / f"{path.stem}.png"
        if label.name in self._labelled:
            text = check_size(read_weak_labels(label), image, mask_path=label, image_path=path)
        return SegmentationSample(image, text, region_mask(words, image.shape[:2], ignored=ignored))


def clear_pictures(path: Path) -> set[str]:
    """Return the stems of the pictures that have legible, printed, English text.

    Args:
        path: `cocotext.v2.json`, known to be one.
    """
    content = read_json(path)
    chosen = {
        str(annotation["image_id"])
        for annotation in content["anns"].values()
        if annotation.get("legibility") == LEGIBLE
        and annotation.get("class") == PRINTED
        and annotation.get("language") == ENGLISH
    }
    return {Path(image["file_name"]).stem for key, image in content["imgs"].items() if str(key) in chosen}


def _read(path: Path, split: str | None) -> tuple[dict[str, WordRegions], set[str]]:
    """Return the outlines of a split's pictures, or of all, by file name, and the names of all its pictures.

    Annotations of a picture that is not listed stand under the picture's number.
    """
    content = read_json(path)
    try:
        images, annotations = content["imgs"].items(), content["anns"].items()
        files = {str(key): str(image["file_name"]) for key, image in images}
        wanted = {str(key) for key, image in images if split in (None, image["set"])}
    except (TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path}: expected the objects imgs (file_name, set) and anns of COCO-Text v2") from error
    outlines: dict[str, WordRegions] = {}
    for key, annotation in annotations:
        place = f"{path}, annotation {key}"
        try:
            image, legible = str(annotation["image_id"]), annotation["legibility"] == LEGIBLE
        except (TypeError, KeyError) as error:
            raise DataError(f"{place}: expected image_id and legibility, got {annotation}") from error
        if image in files and image not in wanted:
            continue
        found = outlines.setdefault(files.get(image, image), WordRegions([], []))
        (found.words if legible else found.ignored).append(_outline(annotation, place))
    return outlines, {files[key] for key in wanted}


def _outline(annotation: Mapping[str, Any], place: str) -> Polygon:
    """Return the annotation's polygon, or its box where the polygon has fewer than three points."""
    mask, box = annotation.get("mask"), annotation.get("bbox")
    if isinstance(mask, list) and len(mask) >= 6:
        return polygon_of(mask, place)
    if not isinstance(box, list) or len(box) != 4:
        raise DataError(f"{place}: expected mask with x and y of at least three points, got {mask}")
    left, top, width, height = polygon_of([*box, 0, 0], place).reshape(-1)[:4]
    corners = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
    return np.array(corners, dtype=np.float32)


class CocoTs(CocoText):
    """The pictures of COCO-Text, of both its parts, that COCO_TS has.

    They are named by `COCO_TS.txt`, else by the files in `COCO_TS_labels/`. Without either a rule chooses them, which
    is ours, since the articles state none: a picture has legible, printed, English text.

    Args:
        root: as for `CocoText`.

    Raises:
        DataError: as for `CocoText`, or no picture is chosen.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        super().__init__(root, None)
        stems, by = listed_stems(Path(root) / COCO_TS_LIST, [Path(root) / LABELS]), "list"
        if stems is None:
            stems, by = clear_pictures(Path(root) / ANNOTATIONS), "rule (legible, printed, English)"
        self._files = [file for file in self._files if Path(file).stem in stems]
        check_count(self._files, COCO_TS_PICTURES, name="COCO-TS", root=Path(root), by=by)

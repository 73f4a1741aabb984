"""TextSeg: posters and photographs with finely drawn words."""

from __future__ import annotations

import os
from pathlib import Path

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import (
    README,
    NamedImages,
    Polygon,
    check_size,
    first_folder,
    mask_of_classes,
    pictures,
    polygon_of,
    read_stored,
    region_mask,
)
from segrec.core.errors import DataError
from segrec.core.files import read_json
from segrec.core.images import Array, read_labels
from segrec.core.mask_values import IGNORE

BACKGROUND, WORD, EFFECT, UNKNOWN = 0, 100, 200, 255
"""Values of `semantic_label/<id>_maskfg.png`, as the release's page states them."""
ALL = "all"
ANNOTATIONS = ("annotation", "bpoly_label")


class TextSeg(NamedImages):
    """TextSeg; text masks from the word class, regions from the polygons of words where their file is there.

    The effects of a word (shadow, glow, outline) are background, as in the authors' own evaluation. Unknown pixels
    are ignored in the text mask, and in the region mask outside the words' polygons.
    Source: X. Xu et al., "Rethinking text segmentation: a novel dataset and a text-specific refinement approach",
    CVPR 2021.

    Args:
        root: holds `image/<id>.jpg`, `semantic_label/<id>_maskfg.png`, `split.json` and, if wanted,
            `annotation/<id>_anno.json`.
        split: `train`, `val` or `test` of `split.json`, or `all`, which needs no such file.

    Raises:
        DataError: a folder or the split is missing, or an image has no label or a label no image.
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train") -> None:
        self._root = Path(root)
        if not (self._root / "image").is_dir() or not (self._root / "semantic_label").is_dir():
            raise DataError(
                f"{root} is not TextSeg; expected semantic_label/a00001_maskfg.png beside image/a00001.jpg; {README}"
            )
        images = pictures(self._root / "image")
        self._names = list(images) if split == ALL else _names_of(self._root / "split.json", split)
        labels = pictures(self._root / "semantic_label")
        for name in self._names:
            if name not in images:
                raise DataError(f"{self._root / 'split.json'} names {name}, but {root}/image/{name}.jpg is not there")
            if f"{name}_maskfg" not in labels:
                raise DataError(f"{images[name]} has no label; expected {root}/semantic_label/{name}_maskfg.png")
        self._images = {name: images[name] for name in self._names}
        self._labels = {name: labels[f"{name}_maskfg"] for name in self._names}
        self._annotations = first_folder(self._root, ANNOTATIONS)

    def sample(self, position: int) -> SegmentationSample:
        """Return one picture with its masks; the region mask is None where its words have no file.

        Raises:
            DataError: a file cannot be read, or the label's size is not the image's.
        """
        name = self._names[position]
        image = read_stored(self._images[name])
        labels = check_size(
            read_labels(self._labels[name]), image, mask_path=self._labels[name], image_path=self._images[name]
        )
        return SegmentationSample(image, _text_mask(labels, self._labels[name]), self._region(name, labels))

    def _region(self, name: str, labels: Array) -> Array | None:
        path = None if self._annotations is None else self._annotations / f"{name}_anno.json"
        if path is None or not path.is_file():
            return None
        region = region_mask(read_words(path), (labels.shape[0], labels.shape[1]))
        region[(labels == UNKNOWN) & (region == 0)] = IGNORE
        return region


def read_words(path: str | os.PathLike[str]) -> list[Polygon]:
    """Return the polygons of the words of an `_anno.json`, each (P, 2) float32 of (x, y) in pixels.

    Raises:
        DataError: the file cannot be read or is not a mapping of words with `bbox`; names file and word.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no words; expected {{word: {{'text': ..., 'bbox': [x1, y1, ...]}}}}")
    words = []
    for key, word in content.items():
        outline = word.get("bbox") if isinstance(word, dict) else None
        if not isinstance(outline, list):
            raise DataError(f"{path}, word {key}: expected a 'bbox' of x1, y1, x2, y2, ..., got {outline!r}")
        words.append(polygon_of(outline, f"{path}, word {key}"))
    return words


def _names_of(path: Path, split: str) -> list[str]:
    content = read_json(path)
    names = content.get(split) if isinstance(content, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path} has no split {split!r}; expected {{'train': [ids], 'val': [ids], 'test': [ids]}}")
    return names


def _text_mask(labels: Array, path: Path) -> Array:
    classes = {BACKGROUND: "background", WORD: "word", EFFECT: "effect", UNKNOWN: "ignore"}
    return mask_of_classes(labels, path, classes, text=WORD, unknown=UNKNOWN)

"""Public datasets as pictures with masks; the reader of a kind is imported when it is asked for."""

from __future__ import annotations

import os
from difflib import get_close_matches
from importlib import import_module
from typing import NamedTuple

from segmenter.datasets.base import MaskedImages, region_mask
from segrec.core.errors import ConfigError

__all__ = ["READERS", "MaskedImages", "Reader", "open_dataset", "region_mask"]


class Reader(NamedTuple):
    """Where a kind of dataset is read.

    Attributes:
        location: `module:class`; the class is called with the root and, where there are splits, one of them.
        splits: names of the parts, the default first; empty for a kind without parts.
        layout: what the root holds, in one line.
    """

    location: str
    splits: tuple[str, ...]
    layout: str


READERS: dict[str, Reader] = {
    "totaltext": Reader(
        "segmenter.datasets.totaltext:TotalText",
        ("train", "test"),
        "Images/Train/img1.jpg, groundtruth_pixel/Train/img1.jpg, optional groundtruth_textregion/Text_Region_Mask/ or "
        "groundtruth_polygonal_annotation/; the same with Test",
    ),
    "icdar13-seg": Reader(
        "segmenter.datasets.icdar13:Icdar13",
        ("train", "test"),
        "Challenge2_Training_Task12_Images/100.jpg, Challenge2_Training_Task2_GT/100_GT.bmp and 100_GT.txt, optional "
        "Challenge2_Training_Task1_GT/gt_100.txt; the same with Challenge2_Test",
    ),
    "warp-icdar13": Reader(
        "segmenter.datasets.warp:WarpIcdar13",
        ("train", "test"),
        "what `segrec render warp-icdar13` wrote: warp.json and train/ and test/ with images/, text/, polygons/",
    ),
    "textseg": Reader(
        "segmenter.datasets.textseg:TextSeg",
        ("train", "val", "test", "all"),
        "image/a00001.jpg, semantic_label/a00001_maskfg.png, split.json, optional annotation/a00001_anno.json",
    ),
    "coco-text": Reader(
        "segmenter.datasets.coco_text:CocoText",
        ("train", "val"),
        "cocotext.v2.json, train2014/COCO_train2014_*.jpg, optional COCO_TS_labels/COCO_train2014_*.png",
    ),
    "mlt": Reader(
        "segmenter.datasets.mlt:Mlt",
        ("train", "val"),
        "ch8_training_images_*/img_1.jpg, ch8_training_localization_transcription_gt_v2/gt_img_1.txt, optional "
        "MLT_S_labels/training_labels/img_1.png; the same with ch8_validation; or ImagesPart*/ with train_gt_t13/",
    ),
    "coco-ts": Reader(
        "segmenter.datasets.coco_text:CocoTs",
        (),
        "as coco-text; the 14,690 pictures named by COCO_TS.txt or COCO_TS_labels/, or chosen by a rule",
    ),
    "mlt-s": Reader(
        "segmenter.datasets.mlt_s:MltS",
        (),
        "as mlt; the 6,896 pictures named by MLT_S_train.txt and MLT_S_val.txt or MLT_S_labels/, or chosen by a rule",
    ),
    "icdar15": Reader(
        "segmenter.datasets.icdar15:Icdar15",
        ("train", "test"),
        "ch4_training_images/ with ch4_training_localization_transcription_gt/, ch4_test_images/ with "
        "Challenge4_Test_Task1_GT/, or images/ with gt/",
    ),
    "folder": Reader(
        "segmenter.datasets.folder:MaskedFolder",
        (),
        "images/ or img/; text/ or mask/; region/ or regions/: masks 0, 255, 128 = ignore, equal stems",
    ),
}
"""Every kind of dataset that `open_dataset` knows."""


def open_dataset(kind: str, root: str | os.PathLike[str], split: str | None = None) -> MaskedImages:
    """Return the pictures and masks of a dataset on disk.

    Args:
        kind: a key of `READERS`.
        root: the dataset's folder.
        split: a part of it; None takes the reader's first.

    Raises:
        ConfigError: no such kind, or no such split of it.
        DataError: the folder has another layout.
    """
    if kind not in READERS:
        near = get_close_matches(kind, READERS, n=1)
        hint = f", did you mean {near[0]}?" if near else ";"
        raise ConfigError(f"no dataset kind {kind!r}{hint} expected one of {', '.join(READERS)}")
    reader = READERS[kind]
    if split is not None and split not in reader.splits:
        known = f"expected {' or '.join(reader.splits)}" if reader.splits else "it has no splits, leave it out"
        raise ConfigError(f"{kind} has no split {split!r}; {known}")
    module, _, name = reader.location.partition(":")
    opened = getattr(import_module(module), name)
    dataset: MaskedImages = opened(root, split or reader.splits[0]) if reader.splits else opened(root)
    return dataset

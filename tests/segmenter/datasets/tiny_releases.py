"""One picture of every public dataset that the segmenter reads, rendered and laid out as its release is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from printed_words import letters, printed
from small_icdar13 import write_scene
from written import write_picture, write_text

from segrec.jobs.warp_icdar13 import warp_icdar13

IMAGE = printed("hotel")
INK = letters("hotel") > 127
HEIGHT, WIDTH = INK.shape
CORNERS = [2, 2, WIDTH - 2, 2, WIDTH - 2, HEIGHT - 2, 2, HEIGHT - 2]
COORDINATES = ",".join(map(str, CORNERS))
COCO_STEM = "COCO_train2014_000000000001"


def labels(on: int) -> np.ndarray:
    """Return the ink of the picture as (H, W) uint8 with the value that a release has for text."""
    return np.where(INK, np.uint8(on), np.uint8(0))


def totaltext(root: Path) -> None:
    write_picture(root / "Images" / "Train" / "img1.jpg", IMAGE)
    write_picture(root / "groundtruth_pixel" / "Train" / "img1.jpg", labels(255))


def icdar13(root: Path) -> None:
    write_scene(root, "100")


def warped(root: Path) -> None:
    write_scene(root.with_name("source"), "100")
    warp_icdar13(root.with_name("source"), root, seed=0)


def textseg(root: Path) -> None:
    write_picture(root / "image" / "a00001.jpg", IMAGE)
    write_picture(root / "semantic_label" / "a00001_maskfg.png", labels(100))
    write_text(root / "split.json", json.dumps({"train": ["a00001"], "val": [], "test": []}))


def coco_text(root: Path) -> None:
    picture = {"id": 1, "set": "train", "file_name": f"{COCO_STEM}.jpg", "width": WIDTH, "height": HEIGHT}
    word = {"image_id": 1, "mask": CORNERS, "legibility": "legible", "language": "english", "class": "machine printed"}
    truth = {"info": {}, "imgs": {"1": picture}, "anns": {"41": word}, "imgToAnns": {"1": [41]}}
    write_text(root / "cocotext.v2.json", json.dumps(truth))
    write_picture(root / "train2014" / f"{COCO_STEM}.jpg", IMAGE)


def coco_ts(root: Path) -> None:
    coco_text(root)
    write_picture(root / "COCO_TS_labels" / f"{COCO_STEM}.png", labels(1))


def mlt(root: Path) -> None:
    write_picture(root / "ch8_training_images_1" / "img_1.jpg", IMAGE)
    truth = root / "ch8_training_localization_transcription_gt_v2" / "gt_img_1.txt"
    write_text(truth, f"{COORDINATES},Latin,hotel\r\n", encoding="utf-8-sig")


def mlt_s(root: Path) -> None:
    mlt(root)
    write_picture(root / "MLT_S_labels" / "training_labels" / "img_1.png", labels(1))


def icdar15(root: Path) -> None:
    write_picture(root / "ch4_training_images" / "img_1.jpg", IMAGE)
    truth = root / "ch4_training_localization_transcription_gt" / "gt_img_1.txt"
    write_text(truth, f"{COORDINATES},hotel\r\n", encoding="utf-8-sig")


def folder(root: Path) -> None:
    write_picture(root / "images" / "a.png", IMAGE)
    write_picture(root / "text" / "a.png", labels(255))


RELEASES: dict[str, Callable[[Path], None]] = {
    "totaltext": totaltext,
    "icdar13-seg": icdar13,
    "warp-icdar13": warped,
    "textseg": textseg,
    "coco-text": coco_text,
    "coco-ts": coco_ts,
    "mlt": mlt,
    "mlt-s": mlt_s,
    "icdar15": icdar15,
    "folder": folder,
}
"""What writes a release under a folder, by the kind that the registry gives it."""

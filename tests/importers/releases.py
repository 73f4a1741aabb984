"""Small originals of word datasets, in the layouts and with the oddities of the releases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.io import savemat

from segrec.core.images import encode_jpeg, encode_png

INSIDE = "mnt/ramdisk/max/90kDICT32px"


def gradient(height: int, width: int) -> np.ndarray:
    """Return a picture whose pixel at (row, column) is (row, column, 7)."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.full_like(rows, 7)], axis=-1).astype(np.uint8)


def put(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def crop(seed: int) -> bytes:
    return encode_jpeg(np.full((8, 12 + seed % 5, 3), 20 + seed % 200, np.uint8))


def synth90k(root: Path, labels: Sequence[str], *, split: str = "", corrupt: Sequence[int] = ()) -> Path:
    """Crops `./3000/7/N_label_71711.jpg`; those at the positions `corrupt` are cut short."""
    lines = []
    for position, label in enumerate(labels):
        path = f"./{3000 + position % 2}/7/{position}_{label}_71711.jpg"
        put(root / INSIDE / path, crop(position)[: 40 if position in corrupt else None])
        lines.append(f"{path} 71711\n")
    put(root / INSIDE / f"annotation{split}.txt", "".join(lines))
    return root


def cells(rows: Sequence[object]) -> np.ndarray:
    """Return rows as the cell array that MATLAB keeps them in, (1, n)."""
    packed = np.empty((1, len(rows)), dtype=object)
    for position, row in enumerate(rows):
        packed[0, position] = row
    return packed


def upright(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Return the corners as SynthText does, (2, 4): x in the first row, y in the second."""
    return np.array([[left, right, right, left], [top, top, bottom, bottom]], dtype=np.float32)


def synthtext(root: Path) -> Path:
    """Three scenes of 40 x 60: of three words in two texts, of one word (2x4), and with more texts than boxes."""
    three = np.stack([upright(10, 5, 30, 15), upright(-4, 30, 20.5, 44), upright(70, 5, 90, 20)], axis=-1)
    scenes = ["8/ballet_106_0.png", "8/ballet_106_1.png", "9/zoo_1_0.png"]
    for scene in scenes:
        put(root / scene, encode_png(gradient(40, 60)))
    texts = [np.array(["Lines:\nI lost ", "\tgone  "]), np.array(["one"]), np.array(["too many"])]
    texts[0] = np.array(["Lines:\nlost ", "gone  "])
    savemat(
        root / "gt.mat",
        {
            "imnames": cells([np.array([scene]) for scene in scenes]),
            "wordBB": cells([three, upright(1, 2, 4, 9), upright(0, 0, 9, 9)]),
            "charBB": cells([np.zeros((2, 4, 3))] * 3),
            "txt": cells(texts),
        },
        do_compression=True,
    )
    return root


def iiit5k(root: Path, split: str = "test") -> Path:
    fields = ["ImgName", "GroundTruth", "smallLexi", "mediumLexi"]
    rows = np.zeros((1, 2), dtype=[(name, object) for name in fields])
    for position, (name, label) in enumerate([(f"{split}/1002_1.png", "PRIVATE"), (f"{split}/1009_2.png", "SALUTES")]):
        put(root / name, encode_png(gradient(9 + position, 20)))
        small, medium = [label, "OTHER"], [label, "OTHER", "THIRD"]
        rows[0, position] = (name, label, cells(small), cells(medium))
    savemat(root / f"{split}data.mat", {f"{split}data": rows})
    return root


SVT = """<?xml version="1.0" encoding="utf-8"?>
<tagset>
  <image>
    <imageName>img/14_03.jpg</imageName>
    <address>341 Southwest 10th Avenue Portland OR</address>
    <lex>LIVING,ROOM, THEATERS ,K&amp;B</lex>
    <Resolution x="60" y="40" />
    <taggedRectangles>
      <taggedRectangle height="10" width="20" x="12" y="8"><tag>LIVING</tag></taggedRectangle>
      <taggedRectangle height="10" width="30" x="50" y="-3"><tag>ROOM</tag></taggedRectangle>
      <taggedRectangle height="10" width="30" x="70" y="8"><tag>THEATERS</tag></taggedRectangle>
    </taggedRectangles>
  </image>
  <image>
    <imageName>img/15_00.jpg</imageName>
    <lex>PARK</lex>
    <taggedRectangles>
      <taggedRectangle height="9" width="9" x="0" y="0"><tag>PARK</tag></taggedRectangle>
    </taggedRectangles>
  </image>
</tagset>
"""


def svt(root: Path, split: str = "test") -> Path:
    put(root / f"{split}.xml", SVT)
    put(root / "img/14_03.jpg", encode_png(gradient(40, 60)))  # the name says JPEG, the bytes decide
    put(root / "img/15_00.jpg", encode_png(gradient(20, 20)))
    return root

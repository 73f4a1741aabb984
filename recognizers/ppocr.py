"""PP-OCR's recognizers in ONNX: readers of another family, trained on other data, that check what others read."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recognizers.charset import Charset
from recognizers.decoding import Reading, ctc_greedy
from segrec.core.errors import CheckpointError, LibraryError
from segrec.core.images import Array, resize
from segrec.core.onnx_runtime import OnnxNetwork
from segrec.core.packages import folders_in

HEIGHT = 48
WIDTHS = (32, 640)
REMEDY = "pip install 'segrec[ppocr]'"


class PaddleRecognizer:
    """Reads word images with a PP-OCR recognizer in ONNX, on one thread.

    Args:
        path: the `.onnx` file, whose metadata name the characters, one per line.

    Raises:
        LibraryError: onnxruntime is not installed.
        CheckpointError: the file is missing, damaged, or no such recognizer.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._network = OnnxNetwork(path, threads=1)
        self.charset = stated_charset(self._network.metadata, path)

    def read(self, images: Sequence[Array], *, batch_size: int = 64) -> list[Reading]:
        """Return one reading per image, in order; the pictures of one batch should be about equally wide.

        Args:
            images: (H, W, 3) uint8 RGB word crops of any size.
            batch_size: images at once.
        """
        readings: list[Reading] = []
        for first in range(0, len(images), batch_size):
            probabilities = self._network.run(_batch(images[first : first + batch_size]))[0]
            readings += ctc_greedy(np.log(np.maximum(probabilities, 1e-30)), self.charset)
        return readings


def packaged_recognizer() -> Path:
    """Return the newest PP-OCR recognizer inside the installed package `rapidocr`.

    Raises:
        LibraryError: the package is missing, or carries none.
    """
    folders = folders_in("rapidocr/models")
    if not folders:
        raise LibraryError(f"PP-OCR's recognizer comes with the package rapidocr, which is not installed; {REMEDY}")
    models = sorted(file for folder in folders for file in folder.glob("*rec*.onnx"))
    if not models:
        raise LibraryError(f"the installed rapidocr carries no recognizer; {REMEDY} --upgrade, or name an .onnx file")
    return models[-1]


def stated_charset(metadata: Mapping[str, str], path: str | os.PathLike[str]) -> Charset:
    """Return the characters that the file's metadata name, one per line; a space is one more, as PP-OCR has it.

    Raises:
        CheckpointError: there are none.
    """
    characters = metadata.get("character", "").splitlines()
    if not characters or any(len(character) != 1 for character in characters):
        raise CheckpointError(f"{path} names no characters in its metadata; PP-OCR's recognizers since version 4 do")
    return Charset("".join(characters) + ("" if " " in characters else " "))


def _batch(images: Sequence[Array]) -> np.ndarray:
    """Return images as (N, 3, 48, W) float32, BGR in [-1, 1], the narrower ones followed by zeros."""
    widths = [int(np.clip(math.ceil(HEIGHT * image.shape[1] / image.shape[0]), *WIDTHS)) for image in images]
    batch = np.zeros((len(images), 3, HEIGHT, max(widths)), np.float32)
    for row, image, width in zip(batch, images, widths, strict=True):
        method: Any = "area" if image.shape[0] > HEIGHT else "bilinear"
        row[:, :, :width] = resize(image, (HEIGHT, width), method)[:, :, ::-1].transpose(2, 0, 1) / 127.5 - 1
    return batch

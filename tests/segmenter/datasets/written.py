"""Small pictures and files in the layouts of public datasets, written for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

ORIENTATION = 0x0112


def ramp(height: int, width: int) -> np.ndarray:
    """Return an (H, W, 3) picture whose red grows to the right and whose green grows downwards."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, :, 0] = np.linspace(0, 255, width).astype(np.uint8)
    picture[:, :, 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    return picture


def write_picture(path: Path, array: np.ndarray, *, orientation: int | None = None) -> Path:
    """Write an array by the path's suffix, with an EXIF orientation where one is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture, options = Image.fromarray(array), {}
    if orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    picture.save(path, format="JPEG" if path.suffix.lower() in (".jpg", ".jpeg") else None, **options)
    return path


def write_text(path: Path, text: str, *, encoding: str = "utf-8") -> Path:
    """Write a text file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def block(height: int, width: int, rows: slice, columns: slice, value: int = 255) -> np.ndarray:
    """Return an (H, W) mask with one rectangle of `value`."""
    mask = np.zeros((height, width), np.uint8)
    mask[rows, columns] = value
    return mask

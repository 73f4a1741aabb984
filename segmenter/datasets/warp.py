"""IC13-WARP: ICDAR-2013 with bent text, as `segrec render warp-icdar13` writes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import README, MaskedImages, check_size, read_mask, read_stored
from segrec.core.errors import DataError
from segrec.core.files import read_json

MANIFEST = "warp.json"
KIND, FORMAT = "warp-icdar13", 1
FILES = {"image": "images/{}.jpg", "text": "text/{}.png", "region": "regions/{}.png", "polygons": "polygons/{}.json"}
"""Where the four files of a warped picture lie below its split's folder."""


class WarpIcdar13(MaskedImages):
    """Warped ICDAR-2013 pictures with text and region masks.

    Args:
        root: holds `warp.json` and the folders `train/` and `test/`.
        split: `train` or `test`.

    Raises:
        DataError: the set is not there, was not finished, is of another format or lacks a file or the split.
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train") -> None:
        self._root = Path(root)
        manifest = read_manifest(self._root)
        if manifest is None:
            raise DataError(
                f"{root} is not a warped ICDAR-2013; expected {MANIFEST} as segrec render {KIND} writes; {README}"
            )
        if not manifest["complete"]:
            raise DataError(f"{root} was not finished; run the same segrec render {KIND} again to go on")
        self._records: list[dict[str, Any]] = [row for row in manifest["images"] if row["split"] == split]
        if not self._records:
            raise DataError(f"{root} has no {split} pictures; render it from a source that has them")
        for record in self._records:
            for file in record["files"].values():
                if not (self._root / file).is_file():
                    raise DataError(f"{self._root / file} is missing; run segrec render {KIND} again to restore it")

    def __len__(self) -> int:
        return len(self._records)

    def name(self, position: int) -> str:
        """Return the source image's stem and the number of the warp, such as `100-w1`."""
        return str(self._records[position]["name"])

    def sample(self, position: int) -> SegmentationSample:
        """Return one warped picture with its masks.

        Raises:
            DataError: a file cannot be read or has another size.
        """
        files = {part: self._root / file for part, file in self._records[position]["files"].items()}
        image = read_stored(files["image"])
        text, region = (
            check_size(read_mask(files[part]), image, mask_path=files[part], image_path=files["image"])
            for part in ("text", "region")
        )
        return SegmentationSample(image, text, region)


def read_manifest(root: Path) -> dict[str, Any] | None:
    """Return the manifest of a warped set, or None where there is none.

    Raises:
        DataError: it cannot be read, or is of another kind or format.
    """
    path = root / MANIFEST
    if not path.is_file():
        return None
    manifest = read_json(path)
    if not isinstance(manifest, dict) or (manifest.get("kind"), manifest.get("format")) != (KIND, FORMAT):
        raise DataError(f"{path} is not a manifest of {KIND}, format {FORMAT}; choose another folder")
    images = manifest.get("images")
    if not isinstance(images, list) or not all(map(_is_record, images)) or "complete" not in manifest:
        raise DataError(f"{path} is damaged; render the set again")
    return manifest


def _is_record(row: object) -> bool:
    """Return whether an entry of a manifest names a picture's split and files."""
    files = row.get("files") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(files, dict):
        return False
    return files.keys() == FILES.keys() and all(isinstance(text, str) for text in (*files.values(), row.get("split")))

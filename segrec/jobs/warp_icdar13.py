"""Writing IC13-WARP: every image of ICDAR-2013 segmentation bent at random, with its masks and outlines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.datasets.base import region_mask
from segmenter.datasets.icdar13 import Icdar13, splits_in
from segmenter.datasets.warp import FILES, FORMAT, KIND, MANIFEST, read_manifest
from segmenter.warped_sample import draw_warp, warp_outlines, warp_picture
from segrec.core import VERSION
from segrec.core.errors import ConfigError, DataError
from segrec.core.files import file_digest, read_json, write_bytes, write_json
from segrec.core.images import encode_jpeg, encode_png, opencv
from segrec.core.lock import LOCK_FILE, lock_folder
from segrec.core.mask_values import IGNORE
from segrec.core.regular import MOST_PICTURE_BYTES
from segrec.core.runlog import progress_bar

LONGEST_SIDE = 32_000
"""Pixels; OpenCV's remapping ends a little above."""


@dataclass(frozen=True)
class WarpedSet:
    """What a run did.

    Attributes:
        output: the folder.
        images: warped pictures that it now holds.
        written: those that this run added.
    """

    output: Path
    images: int
    written: int


@dataclass(frozen=True)
class _Item:
    """One picture to be: a copy of a source image."""

    dataset: Icdar13
    split: str
    position: int
    number: int

    @property
    def name(self) -> str:
        return f"{self.dataset.name(self.position)}-w{self.number}"

    def files(self) -> dict[str, str]:
        """Return the four files by part, below the output."""
        return {part: f"{self.split}/{pattern.format(self.name)}" for part, pattern in FILES.items()}

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of the image and its ground truth by file name."""
        return {path.name: file_digest(path, most=MOST_PICTURE_BYTES) for path in self.dataset.files(self.position)}


def warp_icdar13(
    source: str | os.PathLike[str], output: str | os.PathLike[str], *, per_image: int = 1, seed: int = 0
) -> WarpedSet:
    """Write warped copies of every image of ICDAR-2013 segmentation; run again, it goes on where it stopped.

    Each split of the source becomes a folder of `images/*.jpg`, `text/*.png`, `regions/*.png` and `polygons/*.json`;
    `warp.json` lists them with seed, versions, sources, their digests and the warps. The bend of an image depends on
    the seed, its name and the number of its copy; the same seed gives the same bytes with the same versions.

    Args:
        source: the root of `Icdar13`.
        output: a folder that is new, empty, or of the same settings.
        per_image: copies of each image; the paper has one.
        seed: draws the bends.

    Raises:
        ConfigError: `per_image` is below 1.
        DataError: the source cannot be read, or the output holds something else or cannot be written.
    """
    if per_image < 1:
        raise ConfigError(f"--per-image must be at least 1, got {per_image}")
    datasets = {split: Icdar13(source, split) for split in splits_in(source) or ["train"]}
    items = [
        _Item(dataset, split, position, number)
        for split, dataset in datasets.items()
        for position in range(len(dataset))
        for number in range(1, per_image + 1)
    ]
    settings = _settings(datasets, per_image, seed)
    folder = Path(output)
    with _opened(folder, settings), progress_bar(len(items), "warping", "image") as bar:
        records, written = [], 0
        for item in items:
            record = _finished(folder, item)
            if record is None:
                record, written = _write(folder, item, seed), written + 1
            records.append(record)
            bar.update()
        write_json(folder / MANIFEST, {**settings, "complete": True, "images": records})
    return WarpedSet(folder, len(items), written)


def _settings(datasets: Mapping[str, Icdar13], per_image: int, seed: int) -> dict[str, Any]:
    """Return what two runs must share to make one set."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "seed": seed,
        "per_image": per_image,
        "versions": {"segrec": VERSION, "numpy": np.__version__, "opencv": opencv().__version__},
        "sources": {split: [data.name(position) for position in range(len(data))] for split, data in datasets.items()},
    }


@contextmanager
def _opened(folder: Path, settings: dict[str, Any]) -> Iterator[None]:
    """Hold the output for writing; on entry it is new, empty or of the same settings."""
    lock = lock_folder(folder)
    try:
        manifest = read_manifest(folder)
        if manifest is None:
            if any(path.name != LOCK_FILE for path in folder.iterdir()):
                raise DataError(f"{folder} is not empty and holds no {MANIFEST}; choose another output")
            write_json(folder / MANIFEST, {**settings, "complete": False, "images": []})
        else:
            _check_settings(folder, manifest, settings)
        yield
    finally:
        lock.release()


def _check_settings(folder: Path, manifest: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    for key, value in settings.items():
        if manifest.get(key) != value:
            there, asked = (
                (f"other {key}", "") if key == "sources" else (f"{key} {manifest.get(key)}", f", not {value}")
            )
            raise DataError(f"{folder} already holds a set of {there}{asked}; choose another output or delete it")


def _finished(folder: Path, item: _Item) -> dict[str, Any] | None:
    """Return the record of a picture that is there whole, None when it has to be made.

    Raises:
        DataError: it was made from other files than those there are now.
    """
    files = item.files()
    if not all((folder / file).is_file() for file in files.values()):
        return None
    content = read_json(folder / files["polygons"])
    record = content.get("record") if isinstance(content, dict) else None
    if not isinstance(record, dict) or record.get("digests") != item.digests():
        changed = item.dataset.files(item.position)[0]
        raise DataError(f"{folder} was made when {changed} or its ground truth was another; choose another output")
    return record


def _write(folder: Path, item: _Item, seed: int) -> dict[str, Any]:
    """Make one picture and return its record, which is written last, with the outlines."""
    sample, regions = item.dataset.sample(item.position), item.dataset.regions(item.position)
    image, painted = item.dataset.files(item.position)[:2]
    if sample.text is None or regions is None:
        raise DataError(f"{image} has no boxes of words; expected the list of its characters beside {painted}")
    size = sample.image.shape[:2]
    if max(size) > LONGEST_SIDE:
        raise DataError(f"{image} is longer than {LONGEST_SIDE} pixels; shrink it and its ground truth")
    warp = draw_warp(size, np.random.default_rng((seed, item.number, *item.dataset.name(item.position).encode())))
    picture = warp_picture(sample.image, sample.text, warp)
    outlines = {part: warp_outlines(polygons, warp) for part, polygons in regions._asdict().items()}
    region = region_mask(outlines["words"], size, ignored=outlines["ignored"])
    region[~picture.inside] = IGNORE
    record = {
        "name": item.name,
        "split": item.split,
        "source": image.name,
        "digests": item.digests(),
        "warp": {"kind": warp.kind, "size": size, **warp.parameters()},
        "files": item.files(),
    }
    written = {part: [polygon.round(2).tolist() for polygon in polygons] for part, polygons in outlines.items()}
    content = {
        "image": encode_jpeg(picture.image),
        "text": encode_png(picture.text),
        "region": encode_png(region),
        "polygons": json.dumps({**written, "record": record}).encode(),
    }
    for part, data in content.items():
        write_bytes(folder / item.files()[part], data)
    return record

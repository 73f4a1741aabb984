"""What every dataset with masks offers, and the steps that their readers share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from segmenter.augment import SegmentationSample
from segrec.core.errors import DataError
from segrec.core.images import Array, read_image
from segrec.core.mask_values import IGNORE, ON
from segrec.core.polygons import polygon_mask
from segrec.core.regular import read_regular_text
from segrec.core.resampling import to_grey

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
README = "see the layouts in docs/datasets.md"

Polygon = NDArray[np.float32]


class WordRegions(NamedTuple):
    """The words of one picture, each (P, 2) float32 of (x, y) in pixels.

    Attributes:
        words: those that can be read.
        ignored: those marked as unreadable.
    """

    words: list[Polygon]
    ignored: list[Polygon]


class SceneWord(NamedTuple):
    """A word of a photograph: its outline (P, 2) in pixels and what it says, None where nobody can read it."""

    outline: Polygon
    text: str | None


class MaskedImages(Protocol):
    """Pictures with whatever masks they have."""

    def __len__(self) -> int: ...

    def name(self, position: int) -> str:
        """Return a name of the picture that stays the same from run to run, such as its file's stem."""
        ...

    def sample(self, position: int) -> SegmentationSample:
        """Return the picture at the 0-based position with its masks at the same size."""
        ...

    def visited(self, position: int, *, seed: int, visit: int) -> SegmentationSample:
        """Return the picture as a training sees it at a visit, from 0; most are the same at every visit.

        Args:
            position: 0-based.
            seed: of what differs from visit to visit.
            visit: how often it was seen before.
        """
        return self.sample(position)


@runtime_checkable
class TranscribedImages(MaskedImages, Protocol):
    """Photographs whose words are outlined and transcribed."""

    def path(self, position: int) -> Path:
        """Return the picture's file."""
        ...

    def words(self, position: int) -> list[SceneWord]:
        """Return the words of the picture at the 0-based position, in pixels as they are stored."""
        ...


class NamedImages(MaskedImages, Protocol):
    """Pictures in the order of their names, which are the stems of their files."""

    _names: Sequence[str]

    def __len__(self) -> int:
        return len(self._names)

    def name(self, position: int) -> str:
        """Return the stem of the picture's file."""
        return self._names[position]


def region_mask(
    polygons: Sequence[NDArray[Any]], size: tuple[int, int], *, ignored: Sequence[NDArray[Any]] = ()
) -> Array:
    """Return the (H, W) uint8 mask of text regions: 255 in a polygon, else 128 in an ignored one, else 0.

    Args:
        polygons: (P, 2) outlines of (x, y) in pixels, P >= 3; they may reach outside the picture.
        size: (height, width) of the picture.
        ignored: outlines of text that is neither to be found nor to be left out.

    Raises:
        ValueError: an outline has another shape or holds a number that is not finite.
    """
    mask = np.zeros(size, dtype=np.uint8)
    for outlines, value in ((ignored, IGNORE), (polygons, ON)):
        for outline in outlines:
            if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3 or not np.isfinite(outline).all():
                raise ValueError(f"a polygon must be (P, 2) finite numbers with P >= 3, got shape {outline.shape}")
            mask[polygon_mask(outline, size) > 0] = value
    return mask


def polygon_of(coordinates: Sequence[Any], place: str) -> Polygon:
    """Return x, y, x, y, ... as (P, 2) float32.

    Args:
        coordinates: numbers or their spelling.
        place: file and line, for the message.

    Raises:
        DataError: fewer than three points, an odd count, or something that is not a finite number.
    """
    try:
        with np.errstate(over="ignore"):
            numbers = np.array([float(value) for value in coordinates], dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{place}: expected coordinates, got {str(list(coordinates))[:200]}") from error
    if len(numbers) < 6 or len(numbers) % 2 or not np.isfinite(numbers).all():
        raise DataError(f"{place}: expected x and y of at least three points, got {str(list(coordinates))[:200]}")
    return numbers.reshape(-1, 2)


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """Return the lines of a UTF-8 file, with or without a byte-order mark, ended in either fashion.

    Raises:
        DataError: the file cannot be read or is not UTF-8.
    """
    try:
        text = read_regular_text(path, encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); fetch it again") from error
    return [line.removesuffix("\r") for line in text.split("\n")]


def read_stored(path: str | os.PathLike[str]) -> Array:
    """Return a dataset's picture as (H, W, 3) uint8 RGB with its pixels as they are stored.

    Some pictures of ICDAR-2017 (MLT) and others carry an EXIF orientation, while the coordinates belong to the stored
    pixels: annotators and evaluations read them so.

    Raises:
        DataError: the file cannot be read.
    """
    return read_image(path, upright=False)


def read_mask(path: str | os.PathLike[str], *, upright: bool = False) -> Array:
    """Return a mask file as (H, W) uint8 in 0, 255 and 128.

    Values over 127 are text. Exactly 128 is ignore, so an anti-aliased edge loses the few pixels of that very value; a
    JPEG file has no exact values, hence no ignore.

    Args:
        path: of the file.
        upright: turn the mask by its EXIF orientation.

    Raises:
        DataError: the file cannot be read, or holds only 0 and 1, which is not a black-and-white picture.
    """
    values = to_grey(read_image(path, upright=upright))
    if values.max() == 1:
        raise DataError(f"{path}: the mask holds only 0 and 1; expected 0 = none, 255 = text, 128 = ignore")
    mask = np.where(values > 127, ON, 0).astype(np.uint8)
    if Path(path).suffix.lower() not in (".jpg", ".jpeg"):
        mask[values == IGNORE] = IGNORE
    return mask


def mask_of_classes(
    labels: Array, path: str | os.PathLike[str], classes: Mapping[int, str], *, text: int, unknown: int, hint: str = ""
) -> Array:
    """Return the text mask, (H, W) uint8 of 0, 128 and 255, of a picture of class numbers.

    Args:
        labels: (H, W) numbers.
        path: their file, for the error.
        classes: what each number stands for.
        text: the number of text.
        unknown: the number of what may be text or not.
        hint: what else to say of other numbers.

    Raises:
        DataError: there is another number.
    """
    others = np.setdiff1d(labels, list(classes))
    if len(others):
        expected = ", ".join(f"{number} = {name}" for number, name in classes.items())
        raise DataError(f"{path} holds the class {others[0]}; expected {expected}{hint}")
    mask = np.zeros(labels.shape, dtype=np.uint8)
    mask[labels == text] = ON
    mask[labels == unknown] = IGNORE
    return mask


def check_size(mask: Array, image: Array, *, mask_path: Path, image_path: Path) -> Array:
    """Return `mask`, known to have the size of `image`.

    Raises:
        DataError: the sizes differ; names both files and sizes.
    """
    if mask.shape != image.shape[:2]:
        sizes = [f"{array.shape[1]} x {array.shape[0]}" for array in (mask, image)]
        raise DataError(
            f"{mask_path} is {sizes[0]} pixels but its image {image_path} is {sizes[1]}; expected equal sizes"
        )
    return mask


def in_order(names: Iterable[str]) -> list[str]:
    """Return names sorted as people count: img_2 before img_10."""

    def key(name: str) -> tuple[list[tuple[int, str]], str]:
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)], name

    return sorted(names, key=key)


def pictures(folder: Path) -> dict[str, Path]:
    """Return the picture files of a folder by their stems, in counting order; hidden and other files are left out.

    Raises:
        DataError: the folder cannot be listed, holds no picture, or two of one stem.
    """
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.name[0] != "."]
    except OSError as error:
        raise DataError(f"cannot list {folder}: {error.strerror or error}; {README}") from error
    by_stem = {path.stem: path for path in found}
    if len(by_stem) < len(found):
        twice = next(path for path in sorted(found) if by_stem[path.stem] != path)
        raise DataError(f"{twice} and {by_stem[twice.stem].name} share a stem; keep one of them")
    if not by_stem:
        raise DataError(f"{folder} holds no pictures; expected files that end in {', '.join(PICTURES)}; {README}")
    return {stem: by_stem[stem] for stem in in_order(by_stem)}


def first_folder(root: Path, names: Sequence[str]) -> Path | None:
    """Return the first of the named folders that exists below `root`."""
    return next((root / name for name in names if (root / name).is_dir()), None)

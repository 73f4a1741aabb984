"""Pictures of words: whole files as they are, or rectangles cut out of scenes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from segrec.core.errors import DataError
from segrec.core.images import Array, decode_image, encode_jpeg, encode_png
from segrec.core.regular import MOST_PICTURE_BYTES, read_regular
from segrec.core.workers import worker_processes
from segrec.data.words import MAX_WORD_PIXELS
from segrec.importers.base import Crop, Outline, Skip
from segrec.importers.cut_settings import CutSettings

MISSING = "the picture is missing"
UNREADABLE = "the picture cannot be decoded"
OUTSIDE = "nothing of the box lies in the picture"

Pending = Callable[[], list[bytes | Skip]]
Submit = Callable[[Sequence[Crop | Skip]], Pending]


def cut_words(items: Sequence[Crop | Skip], settings: CutSettings) -> list[bytes | Skip]:
    """Return the encoded picture of each item, or why there is none.

    A file that shows nothing but its word is decoded to see that it is whole, and its bytes are kept as they are.
    Neighbours from one scene share its decoding.

    Raises:
        DataError: the disk gives an error that is not the file's.
    """
    scene: tuple[str, Array | Skip] = ("", Skip("", ""))
    done: list[bytes | Skip] = []
    for item in items:
        if isinstance(item, Skip):
            done.append(item)
        elif item.outline is None:
            done.append(_whole(item))
        else:
            if scene[0] != item.picture:
                scene = (item.picture, _scene(item))
            image = scene[1]
            done.append(image._replace(name=item.name) if isinstance(image, Skip) else _cut(item, image, settings))
    return done


def _whole(item: Crop) -> bytes | Skip:
    data = _bytes_of(item)
    if isinstance(data, Skip):
        return data
    try:
        decode_image(data, max_pixels=MAX_WORD_PIXELS)  # what a word database would refuse to give
    except DataError as error:
        return Skip(item.name, UNREADABLE, str(error))
    return data


def _scene(item: Crop) -> Array | Skip:
    """Return the picture with its pixels as they are stored: outlines belong to those."""
    data = _bytes_of(item)
    if isinstance(data, Skip):
        return data
    try:
        return decode_image(data, upright=False)
    except DataError as error:
        return Skip(item.name, UNREADABLE, str(error))


def _bytes_of(item: Crop) -> bytes | Skip:
    try:
        return read_regular(item.picture, most=MOST_PICTURE_BYTES)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return Skip(item.name, MISSING, item.picture)
    except DataError as error:
        return Skip(item.name, UNREADABLE, str(error))
    except OSError as error:
        raise DataError(f"cannot read {item.picture}: {error.strerror}; mend that and run again to go on") from error


def _cut(item: Crop, image: Array, settings: CutSettings) -> bytes | Skip:
    assert item.outline is not None
    box = rectangle(item.outline, (image.shape[0], image.shape[1]), margin=settings.margin)
    if box is None:
        height, width = image.shape[:2]
        return Skip(item.name, OUTSIDE, f"{item.outline} in {width} x {height} pixels")
    rows, columns = box
    crop = image[rows, columns]
    return encode_png(crop) if settings.encoding == "png" else encode_jpeg(crop)


def rectangle(outline: Outline, size: tuple[int, int], *, margin: float) -> tuple[slice, slice] | None:
    """Return the rows and columns of the upright rectangle around `outline`, clipped to the picture; None if empty.

    Args:
        outline: points (x, y) in pixels.
        size: (height, width) of the picture.
        margin: what is added on each side, as a part of the rectangle's height.
    """
    across, down = zip(*outline, strict=True)
    if not all(map(math.isfinite, (*across, *down))):
        return None
    added = margin * (max(down) - min(down))
    sides = []
    for values, length in ((down, size[0]), (across, size[1])):
        first = max(0, math.floor(min(values) - added))
        last = min(length, math.ceil(max(values) + added))
        if first >= last:
            return None
        sides.append(slice(first, last))
    return sides[0], sides[1]


@contextmanager
def cutters(workers: int, settings: CutSettings) -> Iterator[Submit]:
    """Yield a function that takes items and returns a function that gives their pictures, see `cut_words`.

    Args:
        workers: processes; with 0 or 1 the work is done here, when it is asked for.

    Raises:
        DataError: a worker was killed.
    """
    if workers <= 1:
        yield lambda items: partial(cut_words, items, settings)
        return
    with worker_processes(workers) as submit:
        yield lambda items: submit(cut_words, items, settings)

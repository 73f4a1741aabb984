"""The ground-truth files of ICDAR-2013: lists of painted characters and boxes of words."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import numpy as np

from segmenter.datasets.base import Polygon, WordRegions, read_lines
from segmenter.datasets.icdar15 import UNREADABLE
from segrec.core.errors import DataError
from segrec.core.images import Array
from segrec.core.mask_values import IGNORE, ON

WHITE = 0xFFFFFF
_NUMBER = r"(-?\d{1,18}+(?:\.\d++)?)"
_BETWEEN = r"\s*+(?:,\s*+|(?<=\s))"
_CHARACTER = re.compile(_BETWEEN.join([_NUMBER] * 9) + rf"(?:{_BETWEEN}(.*))?")
_WORD = re.compile(_BETWEEN.join([_NUMBER] * 4) + rf"(?:{_BETWEEN}(.*))?")


class CharacterList(NamedTuple):
    """What the list of one image's painted characters says.

    Attributes:
        colours: (N,) int64, 0xRRGGBB of the characters that are text.
        words: one (4, 2) box around the characters of each word.
        ignored: (4, 2) boxes of the characters that are neither text nor background.
    """

    colours: np.ndarray
    words: list[Polygon]
    ignored: list[Polygon]


def read_characters(path: str | os.PathLike[str]) -> CharacterList:
    """Return the content of a `<name>_GT.txt`: lines `R G B centre-x centre-y left top right bottom "c"`.

    Blank lines separate words. A line that begins with `#`, or whose quoted character is blank, marks what is to be
    ignored; a colour listed both ways is ignored. A `#` line in another form is a remark.

    Raises:
        DataError: the file cannot be read, or a line is malformed; names file and line.
    """
    read: set[int] = set()
    ignored_colours: set[int] = set()
    words: list[list[list[float]]] = [[]]
    ignored: list[Polygon] = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            words.append([])
            continue
        marked = line.lstrip().startswith("#")
        found = _CHARACTER.fullmatch(line.lstrip(" \t#").rstrip())
        colour = _colour([float(field) for field in found.groups()[:3]]) if found else None
        if found is None or colour is None:
            if marked:
                continue
            raise DataError(f'{path}, line {number}: expected R G B x y left top right bottom "c", got {line!r}')
        box = [float(field) for field in found.groups()[5:9]]
        if marked or not _unquoted(found[10] or ""):
            ignored_colours.add(colour)
            ignored.append(box_polygon(box))
        else:
            read.add(colour)
            words[-1].append(box)
    colours = np.array(sorted(read - ignored_colours), dtype=np.int64)
    return CharacterList(colours, [box_polygon(*word) for word in words if word], ignored)


def _colour(channels: list[float]) -> int | None:
    """Return 0xRRGGBB, or None for what is no 8-bit colour."""
    if any(channel != int(channel) or not 0 <= channel <= 255 for channel in channels):
        return None
    red, green, blue = (int(channel) for channel in channels)
    return red << 16 | green << 8 | blue


def _unquoted(field: str) -> str:
    field = field.strip()
    quoted = len(field) > 1 and field[0] == field[-1] == '"'
    return (field[1:-1] if quoted else field).strip()


def read_word_boxes(path: str | os.PathLike[str]) -> WordRegions:
    """Return the words of a `gt_<image>.txt`: left, top, right, bottom and a transcription a line.

    The numbers of the training part are separated by spaces, those of the test part by commas; `###` is ignored text.

    Raises:
        DataError: the file cannot be read, or a line is malformed; names file and line.
    """
    boxes = WordRegions([], [])
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        found = _WORD.fullmatch(line.strip())
        if found is None:
            raise DataError(f'{path}, line {number}: expected left, top, right, bottom, "text", got {line!r}')
        *sides, transcription = found.groups()
        target = boxes.ignored if _unquoted(transcription or "") == UNREADABLE else boxes.words
        target.append(box_polygon([float(side) for side in sides]))
    return boxes


def box_polygon(*boxes: list[float]) -> Polygon:
    """Return the (4, 2) outline around boxes of left, top, right, bottom, whose last pixels belong to them."""
    corners = np.array(boxes, dtype=np.float32).reshape(-1, 2)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0) + 1
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32)


def stroke_mask(painted: Array, characters: CharacterList | None) -> Array:
    """Return the (H, W) text mask of painted characters: listed colours 255, white 0, all else 128.

    Args:
        painted: (H, W, 3) uint8 RGB.
        characters: the list; None takes every colour but white for text.
    """
    red, green, blue = (painted[:, :, channel].astype(np.int64) for channel in range(3))
    codes = red << 16 | green << 8 | blue
    if characters is None:
        return np.where(codes == WHITE, 0, ON).astype(np.uint8)
    mask = np.where(np.isin(codes, characters.colours), ON, IGNORE).astype(np.uint8)
    mask[codes == WHITE] = 0
    return mask

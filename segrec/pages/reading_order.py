"""Words of a page in the order in which they are read: blocks of lines of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.pages.quadrangles import height_of

SAME_LINE = 0.5
"""Words share a line where their middles lie closer than this share of their mean height, across the line."""
SPACE = 2.0
"""The next word of a line begins at most this many heights after the last one ends."""
LEADING = 1.2
"""Lines belong to one block where the space between them is at most this many heights."""
LIKE = 2.0
"""Neither words of a line nor lines of a block are this many times as high as their neighbours."""


class _Extent(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float
    height: float


def read_in_blocks(polygons: Sequence[NDArray[Any]]) -> list[list[list[int]]]:
    """Return blocks of lines of words, each word by its place in `polygons`.

    Words that follow each other closely at one height make a line, lines close below each other a block. Blocks come by
    their upper ends, those at about one height from left to right.

    Args:
        polygons: (P, 2) x and y in pixels each.
    """
    extents = [_extent(polygon) for polygon in polygons]
    lines = _lines(extents)
    outer = [_around([extents[word] for word in line]) for line in lines]
    blocks = _groups(len(lines), lambda one, other: _same_block(outer[one], outer[other]))
    around = [_around([outer[line] for line in block]) for block in blocks]
    return [
        [lines[line] for line in sorted(blocks[block], key=lambda line: outer[line].top)] for block in _by_rows(around)
    ]


def reading_order(polygons: Sequence[NDArray[Any]]) -> list[int]:
    """Return the places of the words in reading order, see `read_in_blocks`."""
    return [word for block in read_in_blocks(polygons) for line in block for word in line]


def _extent(polygon: NDArray[Any]) -> _Extent:
    points = np.asarray(polygon, float)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return _Extent(float(left), float(top), float(right), float(bottom), max(height_of(points), 1.0))


def _around(extents: Sequence[_Extent]) -> _Extent:
    left, top, right, bottom, height = zip(*extents, strict=True)
    return _Extent(min(left), min(top), max(right), max(bottom), float(np.median(height)))


def _lines(extents: Sequence[_Extent]) -> list[list[int]]:
    """Join each word, from left to right, to the line whose last word it follows best."""
    lines: list[list[int]] = []
    for word in sorted(range(len(extents)), key=lambda place: extents[place].left):
        near = [(distance, line) for line in lines if (distance := _follows(extents[line[-1]], extents[word])) < 1]
        if near:
            min(near, key=lambda pair: pair[0])[1].append(word)
        else:
            lines.append([word])
    return lines


def _by_rows(blocks: Sequence[_Extent]) -> list[int]:
    """Return the places of blocks by their upper ends; those that begin at about one height from left to right."""
    rows: list[list[int]] = []
    for place in sorted(range(len(blocks)), key=lambda number: blocks[number].top):
        first = blocks[rows[-1][0]] if rows else None
        if first is not None and blocks[place].top - first.top <= SAME_LINE * first.height:
            rows[-1].append(place)
        else:
            rows.append([place])
    return [place for row in rows for place in sorted(row, key=lambda number: blocks[number].left)]


def _follows(last: _Extent, word: _Extent) -> float:
    """Return how far a word is from following another on its line; from 1 on it does not."""
    height = (last.height + word.height) / 2
    across = abs((last.top + last.bottom) / 2 - (word.top + word.bottom) / 2) / height
    along = (word.left - last.right) / height
    if max(last.height, word.height) >= LIKE * min(last.height, word.height) or not -1 < along <= SPACE:
        return 1.0
    return across / SAME_LINE


def _same_block(one: _Extent, other: _Extent) -> bool:
    upper, lower = sorted((one, other), key=lambda extent: extent.top)
    height = min(one.height, other.height)
    overlap = min(one.right, other.right) - max(one.left, other.left)
    alike = max(one.height, other.height) < LIKE * height
    return alike and overlap > 0 and lower.top - upper.bottom <= LEADING * height


def _groups(count: int, joined: Any) -> list[list[int]]:
    """Return the connected groups of 0 to count - 1 under a symmetric relation."""
    group = list(range(count))
    for one in range(count):
        for other in range(one):
            if group[one] != group[other] and joined(one, other):
                old, new = group[one], group[other]
                group = [new if number == old else number for number in group]
    members: dict[int, list[int]] = {}
    for place, number in enumerate(group):
        members.setdefault(number, []).append(place)
    return list(members.values())

"""Words found in a photograph from the two maps of the mask network, as quadrilaterals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.errors import ConfigError
from segrec.core.images import opencv
from segrec.pages.quadrangles import Points, clockwise

Floats = NDArray[np.float32]
QUARTER = 90
USUAL, WIDE, POWER = 2.0, 2.5, 3.0
"""Width over height of a usual word and that beyond which none is the likelier, and the power of their ratio with which
doubts are allowed. Like the defaults of `Finding`, they were chosen on 80 training photographs of ICDAR-2015."""


@dataclass(frozen=True)
class Finding:
    """How words are cut from the maps.

    Attributes:
        region: a pixel from here on may lie in a word, in (0, 1).
        sure: a word twice as wide as high has at least one pixel from here on, in [region, 1). One of `sure` = .9 and
            width : height 2.5 : 1 needs .8, and one of 1 : 1 needs .99, since most square regions are no words.
        ink: a pixel of the text mask from here on is a stroke, in (0, 1).
        gap: columns without ink wider than this share of the line's height part two words.
        leading: rows without ink higher than this share of the piece's height part two lines.
        thin: a row with less ink than this share of the fullest rows' is empty where lines are parted, in [0, 1).
        grow: pixels by which a quadrilateral grows on each side, as a share of its height.
        smallest: pixels that a word is high at least.
        confidence: words read with less are left out of a page, in [0, 1].

    Raises:
        ConfigError: a value out of its range.
    """

    region: float = 0.7
    sure: float = 0.9
    ink: float = 0.4
    gap: float = 0.2
    leading: float = 0.02
    thin: float = 0.2
    grow: float = 0.0
    smallest: int = 8
    confidence: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.region <= self.sure < 1 and 0 < self.ink < 1):
            raise ConfigError(
                f"finding words needs 0 < region <= sure < 1 and 0 < ink < 1, got {self.region}, {self.sure} and "
                f"{self.ink}"
            )
        if min(self.gap, self.leading) <= 0 or not 0 <= self.thin < 1 or self.grow < 0 or self.smallest < 1:
            raise ConfigError(
                f"finding words needs gap and leading above 0, 0 <= thin < 1, grow from 0 and smallest from 1, got "
                f"{self.gap}, {self.leading}, {self.thin}, {self.grow} and {self.smallest}"
            )


class _Piece(NamedTuple):
    """Maps of a part of the picture, upright: region and text (h, w), and the rotation (2, 3) that made them."""

    region: Floats
    text: Floats
    turn: NDArray[np.float64]


def find_words(text: Floats, region: Floats, *, finding: Finding = Finding()) -> list[Points]:
    """Return the quadrilaterals of the words, (4, 2) float32 x and y in pixels, each clockwise from its upper left.

    The region map is cut into connected components; each is turned upright by its rectangle of least area and split
    into lines and words where the text mask has no ink; each word is the rectangle of least area around what is left
    of its region, if that is sure enough for its shape.

    Args:
        text: (H, W) in [0, 1], the text mask.
        region: (H, W) in [0, 1], the region mask of the same picture.
        finding: thresholds.

    Raises:
        ValueError: the maps differ in size.
    """
    if text.shape != region.shape or text.ndim != 2:
        raise ValueError(f"text and region must be (H, W) of one size, got {text.shape} and {region.shape}")
    found = []
    for component in _components(region, finding):
        piece = _upright(component, text)
        back = opencv().invertAffineTransform(piece.turn)
        for rows in _parts(_ink_rows(piece, finding), finding.leading * piece.region.shape[0]):
            line = _Piece(piece.region[rows], piece.text[rows], piece.turn)
            for columns in _words_of_line(line, finding):
                corners = _rectangle(line.region[:, columns], finding)
                if corners is not None:
                    corners += (columns.start, rows.start)
                    found.append(clockwise(corners @ back[:, :2].T + back[:, 2]))
    return found


class _Component(NamedTuple):
    """A connected part of the region map: its values, 0 elsewhere, where it begins and its pixels' angle."""

    values: Floats
    left: int
    top: int


def _components(region: Floats, finding: Finding) -> Iterator[_Component]:
    cv2 = opencv()
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((region >= finding.region).astype(np.uint8))
    for number in range(1, count):
        left, top, width, height, area = boxes[number].tolist()
        if min(width, height) < finding.smallest // 2 or area < finding.smallest**2:
            continue
        window = np.s_[top : top + height, left : left + width]
        values = np.where(labels[window] == number, region[window], np.float32(0))
        if values.max() >= _least_peak(WIDE, finding):
            yield _Component(values, left, top)


def _upright(component: _Component, text: Floats) -> _Piece:
    """Turn a component so that its text runs level, by at most 45 degrees."""
    cv2 = opencv()
    inside = (component.values > 0).astype(np.uint8)
    outline, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    centre, _, angle = cv2.minAreaRect(np.concatenate(outline))
    angle = (angle + QUARTER / 2) % QUARTER - QUARTER / 2
    height, width = inside.shape
    turn = cv2.getRotationMatrix2D(centre, angle, 1.0)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float) @ turn[:, :2].T + turn[:, 2]
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    turn[:, 2] -= low
    size = tuple(int(side) for side in high - low)
    window = text[component.top : component.top + height, component.left : component.left + width]
    region, ink = (cv2.warpAffine(np.ascontiguousarray(part), turn, size) for part in (component.values, window))
    turn[:, 2] -= turn[:, :2] @ (component.left, component.top)  # from the picture's own coordinates
    return _Piece(region, ink * (region > 0), turn)


def _ink_rows(piece: _Piece, finding: Finding) -> NDArray[np.bool_]:
    """Return which rows hold text: those with ink, or where there is none at all those of the region."""
    ink = (piece.text >= finding.ink).sum(axis=1)
    if not ink.any():
        return np.asarray((piece.region > 0).any(axis=1))
    return np.asarray(ink > finding.thin * np.percentile(ink[ink > 0], 80))


def _words_of_line(line: _Piece, finding: Finding) -> list[slice]:
    inked = np.asarray((line.text >= finding.ink).any(axis=0))
    if not inked.any():
        inked = np.asarray((line.region > 0).any(axis=0))
    rows = np.flatnonzero((line.text >= finding.ink).any(axis=1))
    height = rows[-1] - rows[0] + 1 if len(rows) else line.region.shape[0]
    return _parts(inked, finding.gap * height)


def split_line(text: Floats, *, finding: Finding = Finding()) -> list[tuple[float, float]]:
    """Return where the words of a line begin and end, as shares of its width; one that spans it all without ink.

    Args:
        text: (h, w) in [0, 1], the text mask of a straightened line.
        finding: of which `ink` and `gap` count.
    """
    inked = text >= finding.ink
    rows = np.flatnonzero(inked.any(axis=1))
    if not len(rows):
        return [(0.0, 1.0)]
    words = _parts(np.asarray(inked.any(axis=0)), finding.gap * (rows[-1] - rows[0] + 1))
    return [(part.start / text.shape[1], part.stop / text.shape[1]) for part in words]


def _parts(filled: NDArray[np.bool_], gap: float) -> list[slice]:
    """Return the stretches of an axis, cut in the middle of each empty one that is longer than `gap`."""
    places = np.flatnonzero(filled)
    steps = np.diff(places)
    cuts = [int(places[index] + places[index + 1] + 1) // 2 for index in np.flatnonzero(steps - 1 > gap)]
    edges = [0, *cuts, len(filled)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def _least_peak(aspect: float, finding: Finding) -> float:
    """Return what the region map has to reach in a word of this width over height."""
    return float(1 - (1 - finding.sure) * (min(aspect, WIDE) / USUAL) ** POWER)


def _rectangle(region: Floats, finding: Finding) -> NDArray[np.float64] | None:
    """Return the rectangle of least area around a piece of the region map, (4, 2), grown; None where it is no word."""
    cv2 = opencv()
    outline, _ = cv2.findContours((region > 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outline:
        return None
    largest = max(outline, key=len)
    centre, (width, height), angle = cv2.minAreaRect(largest)
    width, height = width + 1, height + 1  # from pixels' centres to their edges
    _, _, across, down = cv2.boundingRect(largest)
    if min(width, height) < finding.smallest or region.max() < _least_peak(across / down, finding):
        return None
    margin = 2 * finding.grow * min(width, height)
    corners = cv2.boxPoints((centre, (width + margin, height + margin), angle))
    return np.asarray(corners, np.float64) + 0.5

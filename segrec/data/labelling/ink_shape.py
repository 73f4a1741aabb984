"""The shape of a binarisation: what it encloses, and how it lies in its crop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv
from segrec.data.labelling.binarise import Ink

FOREIGN_SHARE = 0.12
"""Of the ink: area of holes in another colour than the ground's, from which the ink is outlines."""
SIDEWAYS = 0.45
"""How far a hole's colour may lie beside the line from ground to ink, as a part of that line."""
ALONG = (-0.35, 0.9)
"""Where on that line it may lie: a letter's counter is the ground, or the ground blurred with ink."""
COUNTERS = {**dict.fromkeys("adeopqr0469", 1), **dict.fromkeys("bg8", 2)}
"""Most counters of letters and digits, small or capital; those left out have none."""
LEAST_DISTANCE = 10.0
"""Difference in Lab below which two colours are the same."""


def holes_of(ink: Ink) -> Ink:
    """Return the ground that ink encloses: pixels from which no way over ground leads to the border."""
    return ~ink & ~outside_of(ink)


def outside_of(ink: Ink) -> Ink:
    """Return the ground that is connected to the border."""
    _, labels = opencv().connectedComponents((~ink).astype(np.uint8), connectivity=4)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return np.asarray(np.isin(labels, edge[edge > 0]))


def foreign_holes(ink: Ink, picture: Array) -> float:
    """Return the area of holes that are not counters of letters, as a part of the ink's.

    The counter of a letter has the colour of the ground outside, or one between that and the ink's where it is small
    and blurred. What an outline or a halo encloses is the letter itself, in a third colour.

    Args:
        ink: (H, W).
        picture: (H, W, 3) uint8 RGB, the crop at the same size.
    """
    outside, area = outside_of(ink), max(1, int(ink.sum()))
    count, labels = opencv().connectedComponents((~ink & ~outside).astype(np.uint8), connectivity=4)
    if count == 1 or not outside.any():
        return 0.0
    lab = np.asarray(opencv().cvtColor(picture, opencv().COLOR_RGB2LAB)).astype(np.float32)
    near = opencv().dilate(ink.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    ground = np.median(lab[outside & near], axis=0) if (outside & near).any() else np.median(lab[outside], axis=0)
    line = np.median(lab[ink], axis=0) - ground
    foreign = 0
    for number in range(1, count):
        hole = labels == number
        core = opencv().erode(hole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        if _is_foreign(np.median(lab[core if core.any() else hole], axis=0) - ground, line):
            foreign += int(hole.sum())
    return foreign / area


def _is_foreign(step: NDArray[np.float32], line: NDArray[np.float32]) -> bool:
    """Return whether a hole's colour, as a step from the ground's, is neither ground nor ground blurred with ink."""
    length = float(np.linalg.norm(line))
    if length < LEAST_DISTANCE or float(np.linalg.norm(step)) < LEAST_DISTANCE:
        return False
    along = float(step @ line) / length**2
    sideways = float(np.linalg.norm(step - along * line)) / length
    return not ALONG[0] <= along <= ALONG[1] or sideways > SIDEWAYS


def hole_count(holes: Ink, *, least: float) -> int:
    """Return how many of the holes have at least this many pixels."""
    stats = opencv().connectedComponentsWithStats(holes.astype(np.uint8), connectivity=4)[2]
    return int((stats[1:, 4] >= least).sum())


def largest_share_of_holes(ink: Ink) -> float:
    """Return how much of all holes lies in the piece of ink that encloses most, in [0, 1]; 0 without holes."""
    filled, holes = ink | holes_of(ink), holes_of(ink)
    _, pieces = opencv().connectedComponents(filled.astype(np.uint8), connectivity=8)
    areas = np.bincount(pieces[holes]) if holes.any() else np.zeros(1)
    return float(areas.max() / max(1, areas.sum()))


def counters(label: str) -> int:
    """Return how many counters the letters of a label have at most, in either case and in any face."""
    return sum(COUNTERS.get(character.lower(), 0 if character.isalnum() else 2) for character in label)


def border_share(ink: Ink) -> float:
    """Return how much of the crop's outermost pixels is ink, in [0, 1]."""
    return float(np.concatenate([ink[0], ink[-1], ink[1:-1, 0], ink[1:-1, -1]]).mean())


def solidity(ink: Ink) -> float:
    """Return the share of the ink that stays when its edges are taken off, in [0, 1]: low for thin strokes."""
    eroded = opencv().erode(ink.astype(np.uint8), np.ones((3, 3), np.uint8))
    return float(eroded.sum() / max(1, int(ink.sum())))


def fragments(ink: Ink, *, height: float, least: int) -> Ink:
    """Return the specks of ink, and what the upper and lower border cut off from neighbours.

    Args:
        ink: (H, W).
        height: a part at the border that is lower than this share of the crop is cut off.
        least: a part of fewer pixels is a speck.
    """
    count, labels, stats, _ = opencv().connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    top, tall, area = stats[:, 1], stats[:, 3], stats[:, 4]
    at_border = (top == 0) | (top + tall == ink.shape[0])
    loose = (area < least) | (at_border & (tall < height * ink.shape[0]))
    loose[0] = False
    return np.asarray(loose[labels]) if count > 1 else np.zeros_like(ink)

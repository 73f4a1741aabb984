"""The strokes of a mask, numbered band by band, so that the numbers of a whole picture are never in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv


class Strokes:
    """The connected parts of what is not 0 in a mask; pixels that touch at a corner are connected.

    Args:
        levels: (H, W) uint8.
        bands: the rows of each band, from the top down.

    Attributes:
        count: of the strokes, and 1 for the ground, which has the number 0.
    """

    def __init__(self, levels: Array, bands: Sequence[slice]) -> None:
        self._levels = levels
        firsts, parents, above = [0], [0], np.zeros(levels.shape[1], np.int64)
        for rows in bands:
            count, labels = self._labels(rows)
            here = np.where(labels[0] > 0, labels[0] + np.int64(firsts[-1]), 0)
            parents.extend(range(firsts[-1] + 1, firsts[-1] + count))
            _join(parents, above, here)
            above = np.where(labels[-1] > 0, labels[-1] + np.int64(firsts[-1]), 0)
            firsts.append(firsts[-1] + count - 1)
        roots, numbers = np.unique([_root(parents, label) for label in range(len(parents))], return_inverse=True)
        self.count = len(roots)
        self._numbers = {
            rows.start: np.concatenate([[0], numbers[first + 1 : last + 1]]).astype(np.int32)
            for rows, first, last in zip(bands, firsts, firsts[1:], strict=False)
        }

    def of(self, rows: slice) -> NDArray[np.int32]:
        """Return the numbers of the strokes in a band, (h, W)."""
        return self._numbers[rows.start][self._labels(rows)[1]]

    def _labels(self, rows: slice) -> tuple[int, NDArray[np.int32]]:
        """Return the strokes of a band alone."""
        count, labels = opencv().connectedComponents((self._levels[rows] > 0).view(np.uint8))
        return count, labels


def _join(parents: list[int], above: NDArray[np.int64], below: NDArray[np.int64]) -> None:
    """Join the strokes of two neighbouring rows, (W,) each, that touch."""
    width = len(above)
    for shift in (-1, 0, 1):
        upper = above[max(0, shift) : width + min(0, shift)]
        lower = below[max(0, -shift) : width + min(0, -shift)]
        pairs = np.stack([upper, lower])[:, (upper > 0) & (lower > 0)]
        for one, other in np.unique(pairs, axis=1).T.tolist():
            first, second = sorted((_root(parents, one), _root(parents, other)))
            parents[second] = first


def _root(parents: list[int], label: int) -> int:
    """Return the stroke that a part belongs to, and let the parts on the way there know it."""
    root = label
    while parents[root] != root:
        root = parents[root]
    while parents[label] != root:
        parents[label], label = root, parents[label]
    return root

"""Strokes numbered band by band are those of the whole mask."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.images import opencv
from segrec.reports.strokes import Strokes


def spiral(side: int) -> np.ndarray:
    """Return a mask whose one stroke crosses every row again and again."""
    mask = np.zeros((side, side), np.uint8)
    for ring in range(0, side // 2, 4):
        mask[ring, ring : side - ring] = mask[side - 1 - ring, ring : side - ring] = 9
        mask[ring : side - ring, side - 1 - ring] = mask[ring + 4 : side - ring, ring] = 9
        mask[ring + 4, ring : ring + 5] = 9
    return mask


@pytest.mark.parametrize("rows", [1, 2, 7, 64, 1000])
def test_bands_know_which_of_their_parts_are_one_stroke(rows: int):
    rng = np.random.default_rng(8)
    for mask in (
        spiral(64),
        (rng.random((61, 90)) < 0.3).astype(np.uint8),
        (rng.random((61, 90)) < 0.6).astype(np.uint8) * 200,
        np.eye(50, dtype=np.uint8),
        np.eye(50, dtype=np.uint8)[:, ::-1].copy(),
        np.zeros((9, 5), np.uint8),
        np.ones((9, 1), np.uint8),
    ):
        bands = [slice(top, min(top + rows, len(mask))) for top in range(0, len(mask), rows)]
        strokes = Strokes(mask, bands)
        found = np.concatenate([strokes.of(band) for band in bands])
        count, labels = opencv().connectedComponents((mask > 0).astype(np.uint8))
        assert strokes.count == count and np.array_equal(found > 0, mask > 0)
        pairs = np.unique(np.stack([found.ravel(), labels.ravel()]), axis=1)
        assert pairs.shape[1] == count or mask.all(), "each has one number in both"

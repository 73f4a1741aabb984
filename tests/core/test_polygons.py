"""Polygons painted as masks."""

from __future__ import annotations

import numpy as np

from segrec.core.polygons import polygon_mask

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


def test_a_polygons_mask_covers_it_and_at_most_a_pixel_more():
    mask = polygon_mask(SQUARE * 10 + np.array([4.4, 2.4], np.float32), (20, 20))
    assert mask.shape == (20, 20) and set(np.unique(mask)) == {0, 255}
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 12, 4, 14)
    disc = np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 90)], np.float32) * 30 + 40
    share = (polygon_mask(disc, (80, 80)) > 0).sum() / (np.pi * 30**2)
    assert 1 <= share < 1.05


def test_a_polygon_outside_the_picture_leaves_its_mask_empty():
    assert not polygon_mask(SQUARE * 5 - 50, (8, 8)).any()
    assert polygon_mask(SQUARE * 99 - 40, (8, 8)).all()


def test_a_corner_farther_than_32_bits_count_does_not_turn_the_polygon_over():
    far = np.array([[2, 2], [1e9, 2], [1e9, 6], [2, 6]])
    expected = np.zeros((8, 8), np.uint8)
    expected[2:7, 2:] = 255
    assert np.array_equal(polygon_mask(far, (8, 8)), expected)

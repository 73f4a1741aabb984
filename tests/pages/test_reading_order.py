"""Words of a page come in the order in which they are read."""

from __future__ import annotations

import numpy as np

from segrec.pages.quadrangles import clockwise, height_of
from segrec.pages.reading_order import read_in_blocks, reading_order


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def test_lines_come_from_above_and_words_from_the_left():
    words = [box(60, 30, 100, 40), box(0, 31, 50, 41), box(60, 11, 90, 21), box(0, 10, 50, 20)]
    assert read_in_blocks(words) == [[[3, 2], [1, 0]]]
    assert reading_order(words) == [3, 2, 1, 0]


def test_signs_beside_each_other_are_read_one_after_the_other():
    left, right = [box(0, 10, 40, 20), box(0, 25, 40, 35)], [box(200, 8, 240, 18), box(200, 23, 240, 33)]
    assert read_in_blocks([right[0], left[1], right[1], left[0]]) == [[[3], [1]], [[0], [2]]]


def test_a_rising_line_stays_one_line():
    words = [box(60 * place, 40 - 4 * place, 60 * place + 50, 50 - 4 * place) for place in range(5)]
    assert read_in_blocks(words[::-1]) == [[[4, 3, 2, 1, 0]]]


def test_large_and_small_letters_are_other_blocks():
    assert read_in_blocks([box(0, 0, 100, 40), box(0, 45, 100, 53)]) == [[[0]], [[1]]]


def test_nothing_is_in_no_order():
    assert reading_order([]) == []


def test_corners_begin_at_the_upper_left_whatever_their_order():
    corners = box(10, 20, 90, 40)
    tilt = np.array([[0.9, 0.3], [-0.3, 0.9]])
    for expected in (corners, corners @ tilt):
        for order in ([0, 1, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0], [1, 0, 3, 2]):
            assert np.allclose(clockwise(expected[order]), expected, atol=1e-4)


def test_the_height_is_the_distance_of_the_edges():
    assert height_of(box(0, 0, 50, 8)) == 8
    assert height_of(np.array([[0, 0], [10, 0], [20, 0], [20, 6], [10, 6], [0, 6]])) == 6

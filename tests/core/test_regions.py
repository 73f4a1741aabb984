"""Cutting and straightening the regions of a detector."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.images import resize
from segrec.core.polygons import MAX_SIDE, cut_region
from segrec.rendering.fonts import load_font
from segrec.rendering.layers import TextLayer, bend, draw_text

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def cut(image: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    region = cut_region(image, polygon)
    assert region is not None
    return region


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(resize(first, second.shape).ravel(), second.ravel())[0, 1])


@pytest.mark.parametrize(("left", "top", "right", "bottom"), [(10, 5, 30, 15), (0, 0, 60, 40), (59, 39, 60, 40)])
def test_a_straight_box_gives_exactly_its_pixels(left, top, right, bottom):
    expected = IMAGE[top:bottom, left:right]
    assert np.array_equal(cut(IMAGE, box(left, top, right, bottom)), expected)
    assert np.array_equal(cut(IMAGE, box(left, top, right, bottom).astype(int)), expected)


def test_corners_are_taken_in_the_order_in_which_they_are_read():
    upright = box(10, 5, 30, 15)
    expected = IMAGE[5:15, 10:30]
    assert np.array_equal(cut(IMAGE, np.roll(upright, -2, axis=0)), expected[::-1, ::-1])
    assert np.array_equal(cut(IMAGE, np.roll(upright, -1, axis=0)), np.rot90(expected))


def test_a_turned_box_is_cut_upright():
    word = np.zeros((60, 60, 3), np.uint8)
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    rows, columns = np.mgrid[0:60, 0:60] + 0.5 - 30
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    word[(np.abs(along) < 20) & (np.abs(across) < 8) & (along < 0)] = 255  # the left half is white
    region = cut(word, box(-20, -8, 20, 8) @ turn + 30)
    assert region.shape == (16, 40, 3)
    assert region[2:-2, 2:18].min() == 255 and region[:, 22:].max() == 0


@pytest.mark.parametrize("angle", [0.7, -0.7, 1.2, -1.2])
def test_a_bent_word_is_straightened(angle):
    straight = draw_text("Boulevard", load_font("", 44), margin=0)
    assert isinstance(straight, TextLayer)
    bent = bend(straight, angle)
    region = cut(np.repeat(bent.coverage[:, :, None], 3, axis=2), bent.polygon)[:, :, 0]
    assert region.shape[0] == pytest.approx(straight.coverage.shape[0], abs=1)
    assert likeness(region, straight.coverage) > 0.7
    assert likeness(bent.coverage, straight.coverage) < 0.3


def test_every_part_of_a_curved_polygon_keeps_its_share_of_the_width():
    upper = np.array([[0, 10], [10, 10], [40, 10]], np.float32)
    lower = np.array([[40, 20], [10, 20], [0, 20]], np.float32)
    assert np.array_equal(cut(IMAGE, np.concatenate([upper, lower])), IMAGE[10:20, 0:40])


def test_an_odd_number_of_points_gives_the_longer_half_to_the_upper_edge():
    points = np.array([[5, 10], [25, 10], [45, 10], [45, 30], [5, 30]], np.float32)
    assert np.array_equal(cut(IMAGE, points), IMAGE[10:30, 5:45])


def test_beyond_the_picture_its_edge_is_repeated():
    region = cut(IMAGE, box(-10, 30, 10, 50))
    assert region.shape == (20, 20, 3)
    assert np.array_equal(region[:10, 10:], IMAGE[30:40, 0:10])
    assert np.array_equal(region[10:, 10:], np.repeat(IMAGE[39:40, 0:10], 10, axis=0))
    assert (region[:10, :10] == IMAGE[30:40, :1]).all()
    outside = cut(IMAGE, box(100, 5, 120, 15))
    assert (outside == IMAGE[5:15, 59:60]).all()


@pytest.mark.parametrize(
    "points",
    [
        box(5, 5, 5, 5),
        box(5, 5, 30, 5),
        box(5, 5, 5, 30),
        box(5, 5, 30, 5.3),
        np.array([[0, 0], [10, 0], [20, 0], [30, 0]]),
        np.array([[0, 0], [10, 10], [20, 20], [30, 30], [15, 15], [5, 5]]),
    ],
)
def test_a_polygon_without_area_gives_none(points):
    assert cut_region(IMAGE, points) is None


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((3, 2)), r"a polygon must be \(P, 2\) with P >= 4, got \(3, 2\)"),
        (np.zeros((4, 3)), r"got \(4, 3\)"),
        (np.zeros(8), r"got \(8,\)"),
        (np.zeros((1, 4, 2)), r"got \(1, 4, 2\)"),
        (box(0, 0, np.nan, 5), r"a polygon must be finite and below 1e\+09 pixels"),
        (box(0, 0, np.inf, 5), "got NaN, infinity or more"),
        (box(0, 0, 1e30, 1e38), "got NaN, infinity or more"),
    ],
)
def test_what_is_no_polygon_is_refused_in_words(points, message):
    with pytest.raises(ValueError, match=message):
        cut_region(IMAGE, points)


def test_a_huge_region_is_brought_down_to_the_largest_side():
    region = cut(IMAGE, box(0, 0, 1e6, 5e5))
    assert region.shape == (MAX_SIDE // 2, MAX_SIDE, 3)


def test_any_finite_polygon_gives_a_picture_or_none():
    generator = np.random.default_rng(4)
    seen = set()
    for _ in range(120):
        points = generator.normal(size=(generator.integers(4, 11), 2)) * generator.choice([0.1, 3, 50, 1e5])
        points[generator.integers(len(points))] = points[0]
        region = cut_region(IMAGE, points)
        seen.add(None if region is None else region.shape[2])
        if region is not None:
            assert region.dtype == np.uint8 and min(region.shape[:2]) >= 1 and max(region.shape[:2]) <= MAX_SIDE
    assert seen == {None, 3}

"""Regions as detectors give them become outlines in pixels, or are refused with the remedy."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.pages.regions import as_polygons

SIZE = (100, 200)
BOX = np.array([[20, 10], [60, 10], [60, 30], [20, 30]], np.float32)
SHARES = BOX / np.array([200, 100])


@pytest.mark.parametrize(
    "region",
    [
        BOX,
        BOX.tolist(),
        BOX.ravel(),
        [*BOX.ravel(), 0.9],
        (20, 10, 60, 30),
        [20, 10, 60, 30, 0.9],
        ((20, 10), (60, 30)),
        SHARES,
        SHARES.ravel(),
        [*SHARES.ravel(), 0.9],
        SHARES[[0, 2]],
        SHARES[[0, 2]].ravel(),
        np.vstack([SHARES, [0.0, 0.8]]),
    ],
)
def test_every_format_of_one_box_is_the_same_outline(region):
    for regions in ([region], [region, region]):
        outlines = as_polygons(regions, SIZE)
        assert len(outlines) == len(regions)
        assert all(np.allclose(outline, BOX) for outline in outlines)


def test_outlines_of_many_points_stay_as_they_are():
    bent = np.array([[0, 5], [50, 0], [100, 5], [100, 25], [50, 20], [0, 25]])
    assert np.array_equal(as_polygons([bent], SIZE)[0], bent)
    assert np.array_equal(as_polygons([bent.ravel()], SIZE)[0], bent)


def test_five_points_in_shares_are_five_points_unless_the_last_is_a_score():
    five = np.vstack([SHARES, [0.05, 0.2]])
    assert as_polygons([five], SIZE)[0].shape == (5, 2)


def test_regions_of_pixels_beside_a_tiny_one_stay_pixels():
    tiny = [0, 0, 1, 1]
    outlines = as_polygons([tiny, [20, 10, 60, 30]], SIZE)
    assert outlines[0].max() == 1 and np.array_equal(outlines[1], BOX)


def test_no_regions_are_no_outlines():
    assert as_polygons([], SIZE) == []
    assert as_polygons(np.zeros((0, 4, 2)), SIZE) == []


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ([[20, 10, 10, 20]], "polygon 0: 4 numbers are left, top, right, bottom.*convert x, y, width, height"),
        ([BOX, np.zeros((3, 2))], r"polygon 1: a polygon must be \(P, 2\) with P >= 4, .*got \(3, 2\)"),
        (BOX, r"polygon 0: .*got \(2,\); a single polygon is given as \[polygon\]"),
        ([BOX, [1, 2, np.nan, 4]], "polygon 1: it must be finite"),
        (["here"], "polygon 0: a polygon must be .*got str"),
    ],
)
def test_what_is_no_region_is_refused_in_words(regions, message):
    with pytest.raises(ValueError, match=message):
        as_polygons(regions, SIZE)

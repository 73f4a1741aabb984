"""Bends of a picture: points and pixels go the same way, nothing folds, and the seed decides."""

from __future__ import annotations

import json
import math
from itertools import islice

import numpy as np
import pytest

from segmenter.warped_sample import densified, draw_warp, warp_outlines, warp_picture
from segmenter.warping import Perspective, Sinusoid, ThinPlate, corners_of
from segrec.core.polygons import polygon_mask

SIZE = (48, 64)
KINDS = ("tps", "perspective", "sinusoid")


def drawn(kind, size=SIZE, count=1):
    """Return the first drawn bends of a kind."""
    warps = (draw_warp(size, np.random.default_rng(seed)) for seed in range(200))
    return list(islice((warp for warp in warps if warp.kind == kind), count))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [SIZE, (400, 300), (5, 3), (1, 1)])
def test_forward_undoes_backward_for_points_in_the_picture_and_near_it(kind, size):
    points = np.random.default_rng(0).uniform(-0.2, 1.2, (40, 2)) * size[::-1]
    for warp in drawn(kind, size, 4):
        assert np.abs(warp.backward(warp.forward(points)) - points).max() < 2e-3
        assert np.abs(warp.forward(warp.backward(points)) - points).max() < 4e-3


def test_a_perspective_takes_the_corners_where_it_is_told():
    corners = np.array([[2.0, 3], [60, 1], [55, 47], [5, 40]])
    warp = Perspective(SIZE, corners)
    assert np.allclose(warp.forward(corners_of(SIZE)), corners, atol=1e-4)
    assert np.allclose(warp.backward(corners), [[0, 0], [64, 0], [64, 48], [0, 48]], atol=1e-4)


def test_a_sinusoid_shifts_columns_then_rows_by_the_waves_heights():
    warp = Sinusoid(amplitude=(3.0, 2.0), wavelength=(40.0, 20.0), phase=(0.0, math.pi / 2))
    # at x = 10, a quarter of 40, the first wave is at its top: y 7 goes to 10, where cos(2 pi 10 / 20) = -1
    assert np.allclose(warp.forward(np.array([[10.0, 7.0]])), [[8.0, 10.0]])
    assert np.allclose(warp.backward(np.array([[8.0, 10.0]])), [[10.0, 7.0]])


def test_a_thin_plate_goes_through_its_control_points_and_keeps_straight_what_is_shifted_alike():
    shifts = np.random.default_rng(1).uniform(-3, 3, (16, 2))
    rows, columns = np.meshgrid(np.linspace(0, 48, 4), np.linspace(0, 64, 4), indexing="ij")
    knots = np.stack([columns.ravel(), rows.ravel()], axis=1)
    assert np.allclose(ThinPlate(SIZE, shifts).backward(knots), knots + shifts)
    anywhere = np.array([[-3.0, 70.0], [20.0, 11.0]])
    assert np.allclose(ThinPlate(SIZE, np.full((16, 2), 2.5)).backward(anywhere), anywhere + 2.5)


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_bends_do_not_fold_and_do_bend(kind):
    x, y = np.meshgrid(np.arange(0, 65.0), np.arange(0, 49.0))
    for warp in drawn(kind, count=5):
        source = warp.backward(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(*x.shape, 2)
        right, down = source[:-1, 1:] - source[:-1, :-1], source[1:, :-1] - source[:-1, :-1]
        assert (right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]).min() > 0.05
        assert np.abs(source - np.stack([x, y], axis=2)).max() > 0.5
        assert json.loads(json.dumps(warp.parameters()))


def test_the_seed_decides_the_bend_and_all_kinds_come():
    warps = [draw_warp(SIZE, np.random.default_rng(seed)) for seed in range(20)]
    again = draw_warp(SIZE, np.random.default_rng(7))
    assert {warp.kind for warp in warps} == set(KINDS)
    assert (again.kind, again.parameters()) == (warps[7].kind, warps[7].parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_and_an_outline_of_one_shape_stay_one_shape(kind):
    size = (240, 320)
    box = np.array([[60, 80], [260, 80], [260, 130], [60, 130]], dtype=np.float32)
    text = polygon_mask(box, size)
    for warp in drawn(kind, size, 3):
        picture = warp_picture(np.zeros((*size, 3), np.uint8), text, warp)
        outline = polygon_mask(warp_outlines([box], warp)[0], size)
        moved, inside = picture.text == 255, picture.inside
        overlap = (moved & (outline > 0) & inside).sum() / ((moved | (outline > 0)) & inside).sum()
        assert overlap > 0.95


def test_masks_keep_their_three_values_and_are_ignored_outside_the_source():
    text = np.zeros(SIZE, np.uint8)
    text[10:20, 10:30], text[30:40, 10:30] = 255, 128
    image = np.full((*SIZE, 3), 77, np.uint8)
    warp = Perspective(SIZE, np.array([[10.0, 10], [54, 10], [54, 38], [10, 38]]))
    picture = warp_picture(image, text, warp)
    assert set(np.unique(picture.text)) == {0, 128, 255}
    assert (picture.text[~picture.inside] == 128).all() and picture.inside.sum() == 28 * 44
    assert not picture.inside[9].any() and picture.inside[10:38, 10:54].all()
    assert (picture.image == 77).all() and picture.image.shape == (*SIZE, 3)
    shrunk = (picture.text == 255).sum() / (10 * 20)
    assert abs(shrunk - 28 * 44 / (48 * 64)) < 0.08


def test_no_bend_changes_nothing():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    text = rng.choice(np.array([0, 128, 255], np.uint8), (9, 7))
    picture = warp_picture(image, text, Perspective((9, 7), corners_of((9, 7))))
    assert (picture.image == image).all() and (picture.text == text).all() and picture.inside.all()


def test_an_outline_gets_at_least_eight_points_a_side_and_stays_where_it_was():
    box = np.array([[0, 0], [7, 0], [7, 320], [0, 320]], dtype=np.float32)
    points = densified(box)
    corners = [int(np.flatnonzero((points == corner).all(axis=1))[0]) for corner in box]
    assert corners == [0, 7, 27, 34] and len(points) == 54
    steps = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    assert steps.max() < 16.001 and math.isclose(steps.sum(), 654)
    assert len(densified(np.array([[0, 0], [1, 0], [0, 1]]))) == 21

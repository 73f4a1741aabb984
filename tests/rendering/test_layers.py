"""Words as coverage layers with their polygons."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segrec.rendering.fonts import load_font, written
from segrec.rendering.layers import (
    TextLayer,
    bend,
    densify,
    draw_text,
    project,
    shear_and_view,
    trim,
    with_sides,
)
from segrec.rendering.words import deform

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


def layer(text: str, size: int = 36, **options: float) -> TextLayer:
    drawn = draw_text(text, load_font("", size), **options)
    assert drawn is not None
    return drawn


def ink_beyond(drawn: TextLayer) -> float:
    """Return by how many pixels the centre of an inked pixel lies outside the polygon, negative when all are inside."""
    rows, columns = np.nonzero(drawn.coverage > 127)
    outline = drawn.polygon.reshape(-1, 1, 2)
    return -min(
        cv2.pointPolygonTest(outline, (float(x) + 0.5, float(y) + 0.5), True)
        for y, x in zip(rows, columns, strict=True)
    )


def ink(drawn: TextLayer) -> float:
    return float(drawn.coverage.sum()) / 255


def touches_border(coverage: np.ndarray) -> bool:
    return bool(coverage[[0, -1]].any() or coverage[:, [0, -1]].any())


def test_a_straight_words_polygon_is_the_box_of_its_ink():
    drawn = layer("sign", margin=3)
    rows, columns = np.flatnonzero(drawn.coverage.any(axis=1)), np.flatnonzero(drawn.coverage.any(axis=0))
    left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    assert drawn.polygon.tolist() == [[left, top], [right, top], [right, bottom], [left, bottom]]
    assert (left, top) == (3, 3) and drawn.coverage.shape == (bottom + 3, right + 3)


def test_spacing_widens_and_tightens_without_losing_letters():
    widths = [layer("llll", spacing=spacing).coverage.shape[1] for spacing in (-2.0, 0.0, 3.0, 9.0)]
    assert widths == sorted(widths) and len(set(widths)) == 4
    apart = layer("llll", spacing=9.0)
    assert cv2.connectedComponents((apart.coverage > 64).astype(np.uint8))[0] - 1 == 4
    assert ink_beyond(apart) <= 0


@pytest.mark.parametrize("text", [" ", "", "."])
def test_text_that_leaves_hardly_any_ink_is_no_layer(text):
    assert draw_text(text, load_font("", 12)) is None


def test_one_letter_and_a_long_word_are_layers():
    assert layer("I", 22).coverage.shape[0] > layer("I", 22).coverage.shape[1]
    assert layer("internationalisation12", 52).coverage.shape[1] > 400


@pytest.mark.parametrize("angle", [0.06, 0.3, -0.3, 1.0, -1.0, 1.7, 2.4, -2.4, 3.0, -3.0])
@pytest.mark.parametrize(("text", "size"), [("HM", 22), ("Welcome", 36), ("internationalisation12", 52)])
def test_a_bent_words_polygon_holds_all_ink_to_within_a_pixel(text, size, angle):
    straight = layer(text, size)
    bent = bend(straight, angle)
    assert ink_beyond(bent) <= 1
    assert ink(bent) == pytest.approx(ink(straight), rel=0.06)
    assert not touches_border(bent.coverage)
    assert len(bent.polygon) % 2 == 0 and len(bent.polygon) >= 16
    assert cv2.contourArea(bent.polygon) < 1.15 * cv2.contourArea(straight.polygon)


def test_bending_arches_upwards_for_positive_angles_and_sags_for_negative_ones():
    straight = layer("mmmmmmm")
    for angle, middle_is_higher in ((1.5, True), (-1.5, False)):
        coverage = bend(straight, angle).coverage
        half = coverage.shape[1] // 2
        rows = [np.nonzero(part)[0].mean() for part in (coverage[:, : half // 3], coverage[:, half - 9 : half + 9])]
        assert (rows[1] < rows[0]) == middle_is_higher


def test_a_bent_words_polygon_still_begins_at_its_upper_left():
    for angle in (0.8, -0.8):
        polygon = bend(layer("Welcome"), angle).polygon
        half = len(polygon) // 2
        assert (np.diff(polygon[:half, 0]) > 0).all() and (np.diff(polygon[half:, 0]) < 0).all()
        assert (polygon[:half, 1] < polygon[half:][::-1, 1]).all()


@pytest.mark.parametrize("strength", [0.0, 0.05, 0.2, 0.5, 2.0])
@pytest.mark.parametrize("rotation", [-20.0, 0.0, 7.0])
def test_a_viewed_words_polygon_holds_all_ink_to_within_a_pixel(strength, rotation):
    straight = layer("Welcome")
    for seed in range(8):
        viewed = shear_and_view(straight, np.random.default_rng(seed), strength=strength, rotation=rotation)
        assert ink_beyond(viewed) <= 1
        assert not touches_border(viewed.coverage)
        assert cv2.contourArea(viewed.polygon, oriented=True) > 0.1 * cv2.contourArea(straight.polygon)
        assert cv2.isContourConvex(viewed.polygon)


def test_a_view_without_strength_and_rotation_changes_nothing_but_the_margin():
    straight = layer("Welcome")
    viewed = shear_and_view(straight, np.random.default_rng(0), strength=0.0, rotation=0.0)
    assert np.array_equal(trim(viewed).coverage, trim(straight).coverage)


def test_rotation_is_counter_clockwise_in_degrees():
    viewed = shear_and_view(layer("Welcome"), np.random.default_rng(0), strength=0.0, rotation=10.0)
    across = viewed.polygon[1] - viewed.polygon[0]
    assert np.degrees(np.arctan2(-across[1], across[0])) == pytest.approx(10, abs=0.01)  # y points down


@pytest.mark.parametrize("rotation", [-20.0, 20.0])
def test_ink_and_polygon_are_moved_alike_to_a_tenth_of_a_pixel(rotation):
    solid = np.zeros((30, 60), np.uint8)
    solid[5:25, 10:50] = 255
    viewed = shear_and_view(
        TextLayer(solid, SQUARE * (40, 20) + (10, 5)), np.random.default_rng(0), strength=0.0, rotation=rotation
    )
    rows, columns = np.mgrid[0 : viewed.coverage.shape[0], 0 : viewed.coverage.shape[1]] + 0.5
    centre = [np.average(places, weights=viewed.coverage) for places in (columns, rows)]
    assert centre == pytest.approx(viewed.polygon.mean(axis=0).tolist(), abs=0.1)


@pytest.mark.parametrize("seed", range(12))
def test_trimming_a_deformed_word_keeps_its_ink_and_moves_the_polygon_along(seed):
    deformed = deform(layer("boulevards"), np.random.default_rng(seed))
    trimmed = trim(deformed)
    assert ink(trimmed) == pytest.approx(ink(deformed), rel=1e-3)
    assert ink_beyond(trimmed) == pytest.approx(ink_beyond(deformed), abs=1e-3)
    assert (trimmed.polygon.min(axis=0) < 1).all() and trimmed.polygon.min() >= 0
    assert (trimmed.coverage.shape[::-1] - trimmed.polygon.max(axis=0) < 1).all()


def test_densify_divides_the_long_sides():
    points = densify(SQUARE * 4, 3)
    assert points.tolist() == [[0, 0], [2, 0], [4, 0], [4, 4], [2, 4], [0, 4]]


def test_project_applies_a_homography():
    matrix = np.array([[2, 0, 1], [0, 3, 0], [0, 0.5, 1]])
    assert project(np.array([[1, 0], [1, 2]], np.float32), matrix).tolist() == [[3, 0], [1.5, 3]]


def test_ink_has_the_pixels_of_pillows_own_mask():
    font = load_font("", 40)
    for text in ("Sign", "g"):
        mask, offset = font.getmask2(text, mode="L")
        ink, moved = written(text, font)
        assert ink.size == mask.size and ink.tobytes() == bytes(mask) and moved == offset
    assert 0 in written("", font)[0].size


def test_sides_are_added_and_cut():
    coverage = np.arange(1, 21, dtype=np.uint8).reshape(4, 5)
    wider = with_sides(coverage, (1, 2, 0, 3))
    assert np.array_equal(wider, np.pad(coverage, ((2, 3), (1, 0))))
    assert np.array_equal(with_sides(coverage, (-1, 0, -2, -1)), coverage[:3, 1:3])
    assert np.array_equal(with_sides(coverage, (-4, 1, 1, -3)), [[0, 0], [5, 0]])

"""Tinting a mask over its image and setting pictures side by side."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from segrec.reports.overlay import BAND, GAP_GREY, outline_in, outlined, overlay, side_by_side, tint_for

IMAGE = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_a_pixel_takes_the_tint_in_proportion_to_its_mask():
    image = np.full((1, 3, 3), 100, np.uint8)
    tinted = overlay(image, np.array([[0.0, 0.5, 1.0]]), color=(200, 0, 100), opacity=0.5)
    assert tinted.tolist() == [[[100, 100, 100], [125, 75, 100], [150, 50, 100]]]
    assert tinted.dtype == np.uint8


def test_an_empty_mask_and_no_opacity_leave_the_image_as_it_was():
    before = IMAGE.copy()
    assert np.array_equal(overlay(IMAGE, np.zeros((5, 7), np.uint8)), before)
    assert np.array_equal(overlay(IMAGE, np.full((5, 7), 255, np.uint8), opacity=0), before)
    assert np.array_equal(IMAGE, before)


def test_every_row_of_a_tall_picture_is_tinted():
    levels = np.random.default_rng(1).integers(0, 256, (2 * BAND + 5, 3), dtype=np.uint8)
    tinted = overlay(np.zeros((*levels.shape, 3), np.uint8), levels, color=(255, 0, 0), opacity=1)
    assert np.array_equal(tinted[:, :, 0], levels)


def test_a_full_mask_at_full_opacity_is_the_color_alone():
    assert np.unique(overlay(IMAGE, np.ones((5, 7)), opacity=1).reshape(-1, 3), axis=0).tolist() == [[255, 0, 80]]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_levels_and_shares_give_the_same_picture(kind):
    mask = np.tile(np.array([0, 51, 102, 153, 204, 255, 0], np.uint8), (5, 1))
    assert np.array_equal(overlay(IMAGE, mask), overlay(IMAGE, (mask / 255).astype(kind)))


@pytest.mark.parametrize(
    ("image", "mask", "options", "message"),
    [
        (IMAGE[:, :, 0], np.zeros((5, 7)), {}, "the image must be"),
        (IMAGE.astype(np.float32), np.zeros((5, 7)), {}, "the image must be"),
        (IMAGE, np.zeros((7, 5)), {}, r"the mask must be \(5, 7\) like the image, got \(7, 5\)"),
        (IMAGE, np.zeros((5, 7), bool), {}, "got bool"),
        (IMAGE, np.full((5, 7), 1.5), {}, r"must lie in \[0, 1\], got values from 0 to 1.5"),
        (IMAGE, np.full((5, 7), np.nan), {}, "must lie in"),
        (IMAGE, np.zeros((5, 7)), {"opacity": 1.1}, "opacity must be"),
        (IMAGE, np.zeros((5, 7)), {"color": (0, 0, 256)}, "color must be"),
    ],
)
def test_an_input_that_does_not_fit_is_refused_in_words(image, mask, options, message):
    with pytest.raises(ValueError, match=message):
        overlay(image, mask, **options)


def test_parts_keep_their_aspect_ratio_with_a_gap_between():
    image = np.full((10, 30, 3), (10, 20, 30), np.uint8)
    row = side_by_side([image, np.full((40, 40), 200, np.uint8), np.ones((20, 10))], height=20)
    assert row.shape == (20, 60 + 2 + 20 + 2 + 10, 3)
    assert row.dtype == np.uint8
    assert np.unique(row[:, :60].reshape(-1, 3), axis=0).tolist() == [[10, 20, 30]]
    assert np.unique(row[:, 62:82]).tolist() == [200]
    assert np.unique(row[:, 84:]).tolist() == [255]
    assert np.unique(row[:, [60, 61, 82, 83]]).tolist() == [GAP_GREY]


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (900, 1), (1, 90, 3)])
def test_one_part_of_any_shape_stands_alone(shape):
    row = side_by_side([np.zeros(shape, np.uint8)], height=9)
    assert row.shape == (9, max(1, round(shape[1] * 9 / shape[0])), 3)
    assert not row.any()


@pytest.mark.parametrize(
    ("parts", "height", "message"),
    [
        ([], 8, "at least one part"),
        ([IMAGE], 0, "height must be 1 or more, got 0"),
        ([np.zeros((4, 4, 4), np.uint8)], 8, r"got \(4, 4, 4\) uint8"),
        ([np.zeros((0, 4), np.uint8)], 8, "holds no pixels"),
        ([np.full((4, 4), -0.5)], 8, "must lie in"),
    ],
)
def test_parts_that_cannot_be_shown_are_refused_in_words(parts, height, message):
    with pytest.raises(ValueError, match=message):
        side_by_side(parts, height=height)


@pytest.mark.parametrize("ground", [(255, 0, 80), (255, 255, 255), (0, 0, 0), (128, 128, 128), (0, 255, 175)])
def test_an_outline_stands_out_from_any_ground_and_lies_outside_the_mask(ground):
    image = np.full((40, 60, 3), ground, np.uint8)
    mask = np.zeros((40, 60), np.uint8)
    mask[10:20, 20:30] = 255
    shown = outlined(image, mask)
    assert np.array_equal(shown[10:20, 20:30], overlay(image, mask, color=tint_for(image))[10:20, 20:30])
    line = np.zeros((40, 60), bool)
    line[9:21, 19:31] = True
    line[10:20, 20:30] = False
    luma = np.array(ground) @ [0.299, 0.587, 0.114]
    assert len(np.unique(shown[line])) == 1 and abs(float(shown[line][0, 0]) - luma) > 100
    assert np.array_equal(shown[~line & (mask == 0)], image[~line & (mask == 0)])


def test_strokes_joined_only_by_what_rounds_to_nothing_get_their_own_tints():
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, :40], image[:, 40:] = (255, 0, 80), (0, 220, 255)
    mask = np.full((40, 80), 0.001, np.float32)  # level 0 of 255
    mask[15:25, 10:20] = mask[15:25, 60:70] = 1
    shown = outlined(image, mask)
    for columns in (slice(10, 20), slice(60, 70)):
        alone = image[:, columns]
        assert np.array_equal(shown[18:22, columns], overlay(alone, mask[:, columns], color=tint_for(alone))[18:22])


def outlined_photograph() -> tuple[np.ndarray, np.ndarray]:
    """Return a picture of several bands and a mask with strokes across their borders."""
    rng = np.random.default_rng(4)
    coarse = rng.integers(0, 256, (11, 7, 3), dtype=np.uint8)
    image = coarse.repeat(1 + (2 * BAND + 30) // 11, axis=0)[: 2 * BAND + 30].repeat(60, axis=1)
    mask = np.zeros(image.shape[:2], np.float32)
    mask[BAND - 9 : BAND + 9, 50:90] = mask[10:30, 200:220] = mask[2 * BAND : 2 * BAND + 12, 300:330] = 0.9
    return image, mask


def test_bands_leave_no_trace(monkeypatch):
    image, mask = outlined_photograph()
    shown = outlined(image, mask)
    for rows in (37, 10_000):
        monkeypatch.setattr("segrec.reports.overlay.BAND", rows)
        assert np.array_equal(outlined(image, mask), shown)


@pytest.mark.parametrize("rows", [3, 37, BAND])
def test_what_is_drawn_in_the_picture_itself_is_the_same(monkeypatch, rows):
    image, mask = outlined_photograph()
    shown = outlined(image, mask)
    monkeypatch.setattr("segrec.reports.overlay.BAND", rows)
    assert not np.array_equal(shown, image)
    outline_in(image, mask)
    assert np.array_equal(shown, image)


def test_an_outline_in_a_large_photograph_needs_a_part_of_a_copy():
    image, mask = (part.repeat(16, axis=0) for part in outlined_photograph())
    levels = (mask * 255).astype(np.uint8)
    tracemalloc.start()
    try:
        outline_in(image, levels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < image.nbytes, f"{peak / image.nbytes:.2f} of the picture's bytes"


def test_an_outline_refuses_a_mask_of_another_size_in_words():
    with pytest.raises(ValueError, match=r"the mask must be \(5, 7\) like the image, got \(7, 5\)"):
        outlined(IMAGE, np.zeros((7, 5)))


def test_a_picture_without_text_has_no_outline():
    assert np.array_equal(outlined(IMAGE, np.zeros((5, 7), np.uint8)), IMAGE)


def test_the_tint_stands_out_on_red_and_on_blue():
    red, blue = (np.full((4, 6, 3), colour, np.uint8) for colour in ((220, 30, 60), (20, 40, 230)))
    for ground in (red, blue):
        tinted = overlay(ground, np.full((4, 6), 255, np.uint8), color=tint_for(ground))
        assert np.abs(tinted.astype(int) - ground).sum(axis=2).min() > 150
    assert tint_for(red) != tint_for(blue)

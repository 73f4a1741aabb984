"""Ink on a background."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.images import encode_png, read_image
from segrec.rendering import backgrounds
from segrec.rendering.backgrounds import Backgrounds
from segrec.rendering.degrade import photograph
from segrec.rendering.fonts import load_font
from segrec.rendering.layers import draw_text
from segrec.rendering.paint import LUMA, ink_color, luma_under, paint, plate

LAYER = draw_text("Sign", load_font("", 40))
assert LAYER is not None
COVERAGE = LAYER.coverage
FLAT = np.full((*COVERAGE.shape, 3), 120, np.uint8)


def test_ink_stands_out_from_what_is_behind_it():
    differences = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        behind = np.full((8, 8, 3), rng.integers(0, 256, size=3), np.uint8)
        color = ink_color(luma_under(behind, np.full((8, 8), 255, np.uint8)), rng)
        assert color.shape == (3,) and np.array_equal(color, color.clip(0, 255))
        differences.append(abs(float((color - behind[0, 0]) @ LUMA)))
    assert np.mean(np.array(differences) > 20) > 0.99
    assert 0.6 < np.mean(np.array(differences) > 58) < 0.9


def test_ink_is_judged_against_what_lies_under_it_alone():
    behind = np.zeros((4, 8, 3), np.uint8)
    behind[:, 4:] = 255
    under = np.zeros((4, 8), np.uint8)
    assert luma_under(behind, under) == pytest.approx(127.5)  # hardly any ink: all of it counts
    under[:, 4:] = 255
    assert luma_under(behind, under) == pytest.approx(255)
    lumas = [float(ink_color(255.0, np.random.default_rng(seed)) @ LUMA) for seed in range(50)]
    assert max(lumas) < 240


def test_painting_gives_a_picture_and_the_strokes_that_are_text():
    background = FLAT.copy()
    kinds, contrasts = set(), []
    for seed in range(120):
        image, strokes = paint(background, COVERAGE, np.random.default_rng(seed))
        assert image.shape == FLAT.shape and image.dtype == np.uint8
        assert strokes.shape == COVERAGE.shape and strokes.dtype == np.uint8
        contrasts.append(np.abs(image[strokes > 200].mean(axis=0) - image[strokes == 0].mean(axis=0)).max())
        kinds.add("filled" if np.array_equal(strokes, COVERAGE) else "hollow")
    assert kinds == {"filled", "hollow"}
    assert np.mean(np.array(contrasts) > 15) > 0.95
    assert np.array_equal(background, FLAT)


def test_hollow_letters_are_their_outline():
    block = np.zeros((40, 60), np.uint8)
    block[10:30, 20:40] = 255
    ring = block.copy()
    ring[11:29, 21:39] = 0  # one pixel inside the edge, and one outside that growing adds
    ring[9, 20:40] = ring[30, 20:40] = ring[10:30, 19] = ring[10:30, 40] = 255
    seen = [paint(np.full((40, 60, 3), 120, np.uint8), block, np.random.default_rng(seed))[1] for seed in range(200)]
    hollow = [strokes for strokes in seen if not np.array_equal(strokes, block)]
    assert hollow and all(np.array_equal(strokes, ring) for strokes in hollow)


def test_a_plate_keeps_the_size_and_covers_most_of_the_canvas():
    canvas = np.random.default_rng(0).integers(0, 256, (40, 90, 3), dtype=np.uint8)
    plated = plate(canvas, np.random.default_rng(2))
    assert plated.shape == canvas.shape and plated.dtype == np.uint8
    assert plated[8:-8, 8:-8].std(axis=(0, 1)).max() < canvas.std() / 2


@pytest.mark.parametrize("size", [(1, 1), (8, 20), (52, 300), (640, 640)])
def test_backgrounds_are_of_any_size_and_differ(size):
    backgrounds = Backgrounds(3)
    first, second = (backgrounds.cut(np.random.default_rng(seed), size) for seed in (0, 1))
    assert first.shape == (*size, 3) and first.dtype == np.uint8
    assert not np.array_equal(first, second)
    assert np.array_equal(first, Backgrounds(3).cut(np.random.default_rng(0), size))


def test_photographing_resamples_image_and_masks_alike():
    rng = np.random.default_rng(0)
    mask = np.zeros((40, 80), np.uint8)
    mask[10:30, 20:60] = 255
    image = np.repeat(mask[:, :, None], 3, axis=2)
    for size in ((20, 40), (80, 160), (13, 29)):
        small, (moved,) = photograph(image, (mask,), size, rng, harshness=0.0)
        assert small.shape == (*size, 3) and moved.shape == size
        assert np.abs(small[:, :, 0].astype(int) - moved).max() < 64
    blurred, (sharp,) = photograph(image, (mask,), (40, 80), np.random.default_rng(3), harshness=3.0)
    assert np.array_equal(sharp, mask) and not np.array_equal(blurred, image)


def test_the_luma_under_ink_has_the_bits_of_the_mean_over_its_pixels():
    for seed in range(20):
        ground = np.random.default_rng(seed).integers(0, 256, FLAT.shape, dtype=np.uint8)
        inked = ground.astype(np.float32)[COVERAGE > 64]
        assert luma_under(ground, COVERAGE) == float(inked.mean(axis=0) @ LUMA)


def test_photographs_stay_unpacked_only_where_there_is_room(monkeypatch, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encode_png(np.full((10, 10, 3), 80 * number, np.uint8)))
    reads = []
    monkeypatch.setattr(backgrounds, "read_image", lambda path: reads.append(path) or read_image(path))
    cuts = []
    for room in (0, 600, 10_000):
        monkeypatch.setattr(backgrounds, "MOST_UNPACKED", room)
        pool, rng = Backgrounds(0, tmp_path), np.random.default_rng(5)
        reads.clear()
        cuts.append([pool.cut(rng, (8, 8)).tolist() for _ in range(40)])
        assert (len(reads) == 3) == (room == 10_000) and len(set(reads)) == 3
    assert cuts[0] == cuts[1] == cuts[2]

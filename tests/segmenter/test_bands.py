"""Large photographs: their masks come band by band, in little memory, and are those of the whole picture."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from segmenter import bands
from segmenter.bands import LARGE_TILE, filled, joined_bands, rows_at
from segmenter.mask_predictor import MaskPredictor
from segmenter.preprocess import rescale
from segmenter.pyramid import join_levels


class Brightness(MaskPredictor):
    """Takes bright pixels for text and dark ones for a region."""

    has_region, called = True, "brightness"

    longest = 0

    def _probabilities(self, batch: np.ndarray, maps: int) -> np.ndarray:
        self.longest = max(self.longest, *batch.shape[1:3])
        bright = batch.mean(axis=3, dtype=np.float32) / 255
        return np.stack([bright, 1 - bright][:maps], axis=1)


def photograph(height: int, width: int) -> np.ndarray:
    coarse = np.random.default_rng(5).integers(0, 256, (height // 40, width // 40, 3), dtype=np.uint8)
    return rescale(coarse, (height, width))


@pytest.mark.parametrize("rows", [1, 32, 37, 999])
def test_levels_joined_in_bands_are_those_joined_as_a_whole(monkeypatch, rows):
    monkeypatch.setattr(bands, "BAND", rows)
    size, heights = (401, 233), (401, 200, 101, 50, 1)
    levels = [
        np.random.default_rng(height).random((2, height, max(1, round(height / 401 * 233))), dtype=np.float32)
        for height in heights
    ]
    strips = [iter(np.array_split(level, min(7, level.shape[1]), axis=1)) for level in levels]
    joined = filled(joined_bands(list(zip(heights, strips, strict=True)), size), 2, size)
    for of_map, found in zip(zip(*levels, strict=True), joined, strict=True):
        np.testing.assert_allclose(found, join_levels(of_map, size), rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"longest_side": 700}, {"scales": (1, 0.3)}, {"tile_side": 128}])
def test_a_large_scene_gets_the_masks_of_a_small_one(monkeypatch, options):
    segmenter, scene = Brightness(working_height=32, **options), photograph(843, 602)
    small = segmenter.predict([scene])[0]
    monkeypatch.setattr(bands, "LARGE", 100_000)
    word = photograph(40, 120)
    (alone,) = segmenter.predict([word])
    beside, large = segmenter.predict([word, scene])
    assert np.array_equal(beside.text, alone.text)
    np.testing.assert_allclose(large.text, small.text, rtol=0, atol=1e-5)
    np.testing.assert_allclose(large.region, small.region, rtol=0, atol=1e-5)
    text, region = filled(segmenter.bands(scene), 2, scene.shape[:2])
    assert np.array_equal(text, large.text) and np.array_equal(region, large.region)
    assert np.array_equal(segmenter.predict_text([scene])[0], text)


def test_the_masks_of_a_large_scene_take_a_few_of_its_rows():
    scene, segmenter = photograph(6000, 2400), Brightness(working_height=32, scales=1)
    tracemalloc.start()
    try:
        rows = sum(band.shape[1] for band in segmenter.bands(scene))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 448 < segmenter.longest <= LARGE_TILE
    assert rows == len(scene) and peak < scene.nbytes, f"{peak / scene.nbytes:.2f} of the picture's bytes"


@pytest.mark.parametrize("size", [(840, 600), (420, 300), (210, 150), (411, 299), (105, 75)])
def test_rows_of_a_smaller_size_are_those_of_the_whole(size):
    picture = photograph(840, 600)
    rows = rows_at(picture, size)
    parts = [rows(top, min(top + 50, size[0])) for top in range(0, size[0], 50)]
    assert np.array_equal(np.concatenate(parts), rescale(picture, size))


def test_a_small_picture_is_one_band():
    segmenter, word = Brightness(working_height=32), photograph(80, 200)
    (band,) = segmenter.bands(word)
    assert np.array_equal(band[0], segmenter.predict([word])[0].text)

"""Word crops that are hard to read, and the default style that stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.errors import ConfigError
from segrec.core.images import decode_image
from segrec.data import camera
from segrec.rendering.paint import LUMA
from segrec.rendering.words import RenderedWord, WordRenderer

COUNT = 60
EARLIER_WORDS = (
    ("H2o", (49, 78), 84.3),
    ("h2o", (40, 60), 39.8),
    ("Open", (20, 39), 174.7),
    ("1993", (32, 92), 68.1),
    ("1936", (21, 38), 159.9),
    ("H2o", (21, 39), 99.3),
    ("gozaanro", (22, 114), 175.2),
    ("black", (23, 54), 22.8),
)
"""What seed 5 gave before there were styles: text, size and mean grey level."""


@pytest.fixture(scope="module")
def words(sources) -> list[RenderedWord]:
    renderer = WordRenderer(5, sources, style="hard")
    return [renderer.render(index) for index in range(COUNT)]


def contrast(word: RenderedWord) -> float:
    luma = decode_image(word.jpeg) @ LUMA
    ink, beside = word.strokes > 160, word.strokes < 16
    return abs(float(luma[ink].mean() - luma[beside].mean())) if ink.any() and beside.any() else 0.0


def test_the_default_style_is_mixed_and_renders_what_it_always_did(sources):
    default, mixed = WordRenderer(5, sources), WordRenderer(5, sources, style="mixed")
    for index, (text, size, mean) in enumerate(EARLIER_WORDS):
        word = default.render(index)
        assert (word.text, word.strokes.shape) == (text, size)
        assert decode_image(word.jpeg).mean() == pytest.approx(mean, abs=2)
        assert mixed.render(index).jpeg == word.jpeg


def test_hard_words_are_8_to_32_pixels_high_with_masks_of_their_size(words):
    for word in words:
        height, width = word.strokes.shape
        assert 8 <= height <= 32 and width >= 4
        assert decode_image(word.jpeg).shape == (height, width, 3) and word.region.shape == (height, width)


def test_hard_words_have_less_contrast_than_mixed_ones(words, sources):
    renderer = WordRenderer(5, sources)
    mixed = [contrast(renderer.render(index)) for index in range(COUNT)]
    assert np.median([contrast(word) for word in words]) < 0.8 * np.median(mixed)


def test_nearly_all_hard_words_stand_out_from_their_ground(words):
    clear = [camera.clearness(decode_image(word.jpeg), word.strokes) for word in words]
    assert np.mean(np.array(clear) >= 1) > 0.85


def test_strokes_stay_where_the_ink_is(words):
    """The strokes fit the picture better where they are than moved by two pixels."""
    fits = 0
    for word in words:
        luma = decode_image(word.jpeg) @ LUMA
        strokes = np.pad(word.strokes, 2)
        here, *moved = (
            abs(np.corrcoef(luma.ravel(), shifted.ravel())[0, 1])
            for shifted in (
                strokes[2 + down : 2 + down + luma.shape[0], 2 + right : 2 + right + luma.shape[1]]
                for down, right in ((0, 0), (2, 0), (-2, 0), (0, 2), (0, -2))
            )
        )
        fits += here > max(moved)
    assert fits > 0.85 * COUNT


def test_more_hard_words_are_bent(words, sources):
    renderer = WordRenderer(5, sources)
    mixed = sum(len(renderer.render(index).polygon) > 4 for index in range(COUNT))
    assert sum(len(word.polygon) > 4 for word in words) > mixed


def test_a_hard_word_is_a_function_of_seed_and_index_alone(words, sources):
    again = WordRenderer(5, sources, style="hard")
    for index in (41, 3):
        first, second = again.render(index), words[index]
        assert first.jpeg == second.jpeg and np.array_equal(first.strokes, second.strokes)
    assert len({word.jpeg for word in words}) == COUNT


def test_an_unknown_style_is_named_with_the_known_ones(sources):
    with pytest.raises(ConfigError, match="there is no style 'worse'; choose one of mixed, hard"):
        WordRenderer(0, sources, style="worse")


def test_a_flat_crop_is_not_clear_and_a_clean_one_is():
    strokes = np.zeros((16, 40), np.uint8)
    strokes[4:12, 8:12] = strokes[4:12, 20:24] = 255
    picture = np.repeat(strokes[:, :, None], 3, axis=2)
    assert camera.clearness(picture, strokes) > 2
    assert camera.clearness(255 - picture, strokes) == pytest.approx(camera.clearness(picture, strokes), rel=1e-3)
    assert camera.clearness(np.full_like(picture, 90), strokes) < 0.01
    assert camera.clearness(picture // 32, strokes) == pytest.approx(7 / 16, rel=0.02)  # 7 grey levels of 16


def test_the_least_size_grows_with_what_bending_adds():
    """A crop twice as high as its em keeps nine pixels per em."""
    rng = np.random.default_rng(0)
    assert min(camera.final_size((80, 200), 40, rng)[0] for _ in range(300)) == 18
    assert min(camera.final_size((20, 200), 40, rng)[0] for _ in range(300)) <= 11
    assert max(camera.final_size((400, 200), 40, rng)[0] for _ in range(20)) == 32
    height, width = camera.final_size((50, 200), 40, rng)
    assert width == pytest.approx(4 * height, abs=2)


@pytest.mark.parametrize("seed", range(4))
def test_bad_light_focus_and_sensors_keep_size_and_type(seed):
    rng = np.random.default_rng(seed)
    for size in ((1, 1), (9, 40), (52, 31)):
        image = rng.integers(0, 256, size=(*size, 3), dtype=np.uint8)
        for worse in (
            camera.worse_light(image, rng),
            camera.worse_focus(image, rng, em=30.0),
            camera.worse_sensor(image, rng),
        ):
            assert worse.shape == image.shape and worse.dtype == np.uint8


def test_motion_blur_moves_nothing():
    spot = np.zeros((41, 41, 3), np.uint8)
    spot[20, 20] = 255
    for seed in range(40):
        blurred = camera.worse_focus(spot, np.random.default_rng(seed), em=20.0)[:, :, 0].astype(float)
        rows, columns = np.mgrid[0:41, 0:41]
        total = blurred.sum()
        assert (rows * blurred).sum() / total == pytest.approx(20, abs=0.6)
        assert (columns * blurred).sum() / total == pytest.approx(20, abs=0.6)

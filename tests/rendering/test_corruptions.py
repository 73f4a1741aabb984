"""Damage to words: each level is worse than the one before, and a draw is a draw."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from segrec.core.errors import ConfigError
from segrec.core.images import Array, decode_image, resize
from segrec.data.corruption_kinds import CORRUPTIONS, LEVELS, Corruption, check_corruption
from segrec.data.corruptions import corrupt
from segrec.rendering.words import WordRenderer

SEED = 7


@pytest.fixture(scope="module")
def crops(sources) -> list[Array]:
    renderer = WordRenderer(1, sources)
    return [decode_image(renderer.render(index).jpeg) for index in range(8)]


def corrupted(image: Array, corruption: Corruption, index: int = 1, seed: int = SEED) -> Array:
    return decode_image(corrupt(image, corruption, seed=seed, index=index))


def psnr(image: Array, worse: Array) -> float:
    """Return the peak signal-to-noise ratio in decibels, at the size of `image`."""
    difference = resize(worse, image.shape[:2], "bicubic").astype(np.float64) - image
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


def gradient(image: np.ndarray) -> float:
    """Return how much neighbours differ."""
    return float(np.abs(np.diff(image, axis=1)).mean())


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_each_level_is_clearly_worse_than_the_one_before(crops, kind):
    ratios = np.array([[psnr(crop, corrupted(crop, Corruption(kind, level))) for level in LEVELS] for crop in crops])
    assert (np.diff(ratios, axis=1) < 0).all(), "for every word"
    assert (np.diff(ratios.mean(axis=0)) < -0.3).all(), "by some tenths of a decibel in the mean"
    assert 8 < ratios.mean(axis=0)[0] < 40 or kind == "dark"


@pytest.mark.parametrize(("kind", "measure"), [("blur", gradient), ("low-contrast", np.std), ("dark", np.mean)])
def test_edges_contrast_and_light_fall_with_the_level(crops, kind, measure):
    for crop in crops:
        values = [float(measure(np.float32(corrupted(crop, Corruption(kind, level))))) for level in LEVELS]
        assert all(later < earlier for earlier, later in pairwise(values))
        assert values[-1] < measure(np.float32(crop))


def test_small_words_become_smaller_in_proportion():
    for size, least in [((100, 300), (7, 21)), ((16, 48), (5, 14)), ((9, 3), (3, 1)), ((1, 1), (1, 1))]:
        image = np.zeros((*size, 3), np.uint8)
        assert corrupted(image, Corruption("small", 5)).shape[:2] == least
    sides = [corrupted(np.zeros((100, 300, 3), np.uint8), Corruption("small", level)).shape[0] for level in LEVELS]
    assert sides == [20, 15, 12, 9, 7]


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_same_draw_gives_the_same_bytes_and_any_size_is_taken(kind):
    for size in [(1, 1), (3, 40), (40, 2)]:
        image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        first, again = (corrupt(image, Corruption(kind, 3), seed=SEED, index=4) for _ in range(2))
        assert first == again


@pytest.mark.parametrize("kind", ["noise", "dark"])
def test_noise_differs_by_seed_and_by_word(crops, kind):
    pictures = [corrupted(crops[0], Corruption(kind, 3), *draw) for draw in [(1, 0), (2, 0), (1, 1)]]
    assert not any(np.array_equal(pictures[0], other) for other in pictures[1:])


def test_what_is_no_corruption_is_refused():
    with pytest.raises(ConfigError, match="there is no corruption 'rain'; choose some of blur, dark,"):
        check_corruption(Corruption("rain", 1))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="there is no level 6; choose some of 1 to 5"):
        check_corruption(Corruption("blur", 6))

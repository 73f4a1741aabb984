"""Rendered word crops."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segrec.core.errors import DataError
from segrec.core.images import decode_image, encode_jpeg
from segrec.rendering.words import HEIGHTS, RenderedWord, RenderSources, WordRenderer


@pytest.fixture(scope="module")
def words(sources) -> list[RenderedWord]:
    renderer = WordRenderer(5, sources)
    return [renderer.render(index) for index in range(60)]


def test_image_and_masks_have_one_size(words):
    for word in words:
        size = word.strokes.shape
        assert decode_image(word.jpeg).shape == (*size, 3)
        assert word.region.shape == size and word.strokes.dtype == word.region.dtype == np.uint8
        assert HEIGHTS[0] <= size[0] <= HEIGHTS[1] and size[1] >= 4
    heights = [word.strokes.shape[0] for word in words]
    assert 0.3 < np.mean(np.array(heights) < 32) < 0.7


def test_there_is_ink_and_it_lies_in_the_region(words):
    for word in words:
        ink = word.strokes > 127
        assert word.strokes.max() > 90
        beyond = cv2.distanceTransform((word.region == 0).astype(np.uint8), cv2.DIST_L2, 5)[ink]
        assert beyond.max(initial=0) <= max(1.5, 0.05 * ink.shape[0])
        assert ink.sum() <= (word.region > 0).sum()


def test_a_word_says_what_it_says(words):
    for word in words:
        assert 1 <= len(word.text) <= 22 and word.text.isascii()
    assert len({word.text for word in words}) > 10


def test_a_word_is_a_function_of_seed_and_index_alone(sources, words):
    again = WordRenderer(5, sources)
    for index in (31, 2, 59):
        first, second = again.render(index), words[index]
        assert first.jpeg == second.jpeg and first.text == second.text
        assert np.array_equal(first.strokes, second.strokes) and np.array_equal(first.polygon, second.polygon)


def test_other_indices_and_seeds_give_other_words(sources, words):
    assert len({word.jpeg for word in words}) == len(words)
    assert WordRenderer(6, sources).render(0).jpeg != words[0].jpeg


def test_photographs_are_used_as_backgrounds(sources, tmp_path):
    blue = np.full((50, 50, 3), (0, 0, 255), np.uint8)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "sky.JPG").write_bytes(encode_jpeg(blue))
    (tmp_path / "notes.txt").write_text("no picture")
    photos = RenderSources(fonts=sources.fonts, lexicon=sources.lexicon, backgrounds=tmp_path)
    renderer = WordRenderer(0, photos)
    corners = [decode_image(renderer.render(index).jpeg)[0, 0].astype(int) for index in range(30)]
    assert sum(np.abs(corner - (0, 0, 255)).max() < 40 for corner in corners) >= 5


def test_a_folder_without_photographs_is_named(sources, tmp_path):
    with pytest.raises(DataError, match=r"no photograph \(.jpg, .*\) in .*; check --backgrounds"):
        WordRenderer(0, RenderSources(fonts=sources.fonts, lexicon=sources.lexicon, backgrounds=tmp_path))

"""Masks of other words, and masks kept in memory."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.errors import DataError
from segrec.core.images import encode_png
from segrec.data.masks import sources as mask_sources
from segrec.data.masks.shuffled import ShuffledMasks
from segrec.data.masks.sources import RememberedMasks
from segrec.data.words import WordLmdb, WordWriter

SIZE = (4, 6)


class Numbered:
    """Gives each word a mask that is filled with its number, and counts how often it is asked."""

    name = "predicted"

    def __init__(self) -> None:
        self.asked = 0

    def masks(self, indices, images, visits, size):
        self.asked += len(indices)
        return [np.full(size or image.shape[:2], index, np.uint8) for index, image in zip(indices, images, strict=True)]


def database(folder, count, broken=()) -> WordLmdb:
    with WordWriter(folder) as writer:
        for index in range(count):
            picture = encode_png(np.full((5 + index, 9, 3), index, np.uint8))
            writer.add(b"no picture" if index in broken else picture, "a")
    return WordLmdb(folder)


def given(source, words, size=SIZE, indices=None):
    """Return the number of the word whose mask each word gets."""
    asked = list(range(len(words))) if indices is None else indices
    images = [words[index].image for index in asked]
    masks = source.masks(asked, images, [0] * len(asked), size)
    assert [mask.shape for mask in masks] == [size or image.shape[:2] for image in images]
    return [int(mask[0, 0]) for mask in masks]


def test_every_word_gets_the_mask_of_another_and_each_mask_is_used_once(tmp_path):
    words = database(tmp_path, 12)
    for seed in range(5):
        others = given(ShuffledMasks(Numbered(), words, seed=seed), words)
        assert sorted(others) == list(range(12))
        assert all(other != index for index, other in enumerate(others))


def test_the_seed_alone_decides_whatever_the_batch(tmp_path):
    words = database(tmp_path, 9)
    whole = given(ShuffledMasks(Numbered(), words, seed=1), words)
    again = ShuffledMasks(Numbered(), words, seed=1)
    assert [given(again, words, indices=[index])[0] for index in reversed(range(9))] == whole[::-1]
    assert given(ShuffledMasks(Numbered(), words, seed=2), words) != whole


def test_masks_without_a_size_have_that_of_the_words_own_image(tmp_path):
    words = database(tmp_path, 5)
    assert given(ShuffledMasks(Numbered(), words), words, size=None) == given(ShuffledMasks(Numbered(), words), words)


def test_only_the_first_words_take_part_and_unreadable_ones_are_passed_over(tmp_path):
    words = database(tmp_path, 8, broken=(2, 3))
    source = ShuffledMasks(Numbered(), words, count=6)
    others = given(source, words, indices=[0, 1, 4, 5])
    assert set(others) <= {0, 1, 4, 5} and all(
        other != index for index, other in zip([0, 1, 4, 5], others, strict=True)
    )


def test_without_another_word_there_is_no_mask(tmp_path):
    with pytest.raises(DataError, match="needs two words, got 1"):
        ShuffledMasks(Numbered(), database(tmp_path / "one", 3), count=1)
    words = database(tmp_path / "broken", 3, broken=(0, 2))
    with pytest.raises(DataError, match="no other word than word 2 can be read"):
        given(ShuffledMasks(Numbered(), words), words, indices=[1])


def test_a_remembered_mask_is_made_once_for_each_size_while_memory_lasts(tmp_path, monkeypatch):
    words, source = database(tmp_path, 6), Numbered()
    kept = RememberedMasks(source)
    assert kept.name == "predicted"
    assert given(kept, words, indices=[0, 2]) == [0, 2] and source.asked == 2
    assert given(kept, words) == list(range(6)) and source.asked == 6
    given(kept, words, size=(3, 3))
    assert source.asked == 12
    monkeypatch.setattr(mask_sources, "MOST_BYTES", 2 * SIZE[0] * SIZE[1])
    source = Numbered()
    small = RememberedMasks(source)
    assert given(small, words) == given(small, words) == list(range(6))
    assert source.asked == 6 + 4

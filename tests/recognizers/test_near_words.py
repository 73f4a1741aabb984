"""Finding near words without comparing all of them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from recognizers.metrics import edit_distance
from recognizers.near_words import NearWords


def random_words(count: int, letters: str, longest: int) -> list[str]:
    draw = random.Random(count)
    return list({"".join(draw.choices(letters, k=draw.randint(1, longest))): None for _ in range(count)})


@pytest.mark.parametrize(
    "letters", ["abc", "abcdefghijklmnopqrstuvwxyz0123456789", "".join(map(chr, range(0x4E00, 0x4E80)))]
)
def test_nothing_is_missed_in_comparison_with_all_words(letters):
    words = random_words(400, letters, 9)
    near = NearWords(words)
    for text in [*random_words(25, letters, 11), words[7], "", "aaaaaaaaaaaa", "zz\u00e9"]:
        distances = [edit_distance(word, text) for word in words]
        assert near.nearest(text).tolist() == [place for place, d in enumerate(distances) if d == min(distances)]
        rings = list(near.rings(text, 3))
        assert [ring.tolist() for ring in rings] == [[p for p, d in enumerate(distances) if d == n] for n in range(4)]


def test_only_allowed_words_are_found():
    near = NearWords(["cat", "cats", "dog"])
    assert near.nearest("cat", np.array([False, True, True])).tolist() == [1]
    assert near.nearest("cat", np.array([False, False, True])).tolist() == [2]


def test_words_that_nobody_wants_are_not_compared():
    rings = NearWords(["cat", "cats", "cut", "dog"]).rings("cat", 3, lambda places: places[places != 2])
    assert [ring.tolist() for ring in rings] == [[0], [1], [], [3]]


def test_one_word_is_nearest_to_everything():
    assert NearWords(["word"]).nearest("quite another text of many letters").tolist() == [0]

"""Words cut from maps of text and regions."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segrec.core.errors import ConfigError
from segrec.pages.finder import Finding, find_words
from segrec.pages.levels import LONGEST_SIDES, level_scales, new_words


def maps(*words: tuple[int, int, int, int], joined: tuple[int, int, int, int] | None = None, letter: int = 6):
    """Return text and region maps (80, 200): a region a word, or one for all, with strokes in each word."""
    text, region = np.zeros((2, 80, 200), np.float32)
    for left, top, right, bottom in words:
        region[top:bottom, left:right] = 0.95
        for start in range(left + 2, right - 4, letter):
            text[top + 2 : bottom - 2, start : start + letter - 2] = 0.9
    if joined is not None:
        region[joined[1] : joined[3], joined[0] : joined[2]] = 0.95
    return text, region


def boxes(found: list[np.ndarray]) -> list[tuple[int, ...]]:
    return sorted(tuple(np.round([*word.min(axis=0), *word.max(axis=0)]).astype(int).tolist()) for word in found)


def test_regions_apart_are_words():
    words = [(10, 10, 60, 26), (100, 40, 180, 60)]
    assert boxes(find_words(*maps(*words))) == words


def test_a_region_of_two_lines_of_two_words_is_parted_where_there_is_no_ink():
    words = [(10, 10, 60, 26), (72, 10, 130, 26), (10, 34, 60, 50), (72, 34, 130, 50)]
    found = find_words(*maps(*words, joined=(10, 10, 130, 50)))
    assert len(found) == 4
    for word, (left, top, right, bottom) in zip(boxes(found), sorted(words), strict=True):
        assert abs(np.array(word) - (left, top, right, bottom)).max() <= 9


def test_a_tilted_word_has_a_tilted_outline_that_begins_at_its_upper_left():
    text, region = maps((40, 30, 160, 50))
    turn = cv2.getRotationMatrix2D((100, 40), 15, 1.0)
    (word,) = find_words(*(cv2.warpAffine(layer, turn, (200, 80)) for layer in (text, region)))
    expected = np.array([[40, 30], [160, 30], [160, 50], [40, 50]]) @ turn[:, :2].T + turn[:, 2]
    assert np.abs(word - expected).max() < 2.5


def test_unsure_and_tiny_regions_are_no_words():
    text, region = maps((10, 10, 60, 26))
    assert find_words(text, region * 0.8) == []
    assert find_words(*maps((10, 10, 14, 14))) == []
    assert find_words(np.zeros_like(text), np.zeros_like(region)) == []


def test_a_wide_region_may_be_less_sure_than_a_square_one():
    wide, square = maps((10, 10, 90, 26)), maps((10, 10, 26, 26))
    for peak, found in ((0.85, (1, 0)), (0.95, (1, 0)), (0.995, (1, 1))):
        counts = tuple(len(find_words(text, region / 0.95 * peak)) for text, region in (wide, square))
        assert counts == found, peak


def test_words_of_one_region_that_stand_close_are_parted():
    words = [(10, 10, 60, 26), (59, 10, 120, 26)]
    assert len(find_words(*maps(*words, joined=(10, 10, 120, 26)))) == 2


def test_a_region_without_ink_is_one_word():
    text, region = maps((10, 10, 60, 26))
    assert boxes(find_words(text * 0, region)) == [(10, 10, 60, 26)]


def test_thresholds_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="0 < region <= sure < 1"):
        Finding(region=0.95)
    with pytest.raises(ConfigError, match="gap and leading above 0"):
        Finding(gap=0)
    with pytest.raises(ValueError, match="of one size"):
        find_words(np.zeros((4, 4), np.float32), np.zeros((4, 5), np.float32))


def test_pictures_are_seen_at_the_levels_each_once():
    assert level_scales(960) == [1.0, 0.5]
    assert level_scales(9600) == [side / 9600 for side in LONGEST_SIDES]
    assert level_scales(100) == [1.5]


def test_a_word_of_another_level_is_new_unless_it_covers_a_known_one():
    known = np.array([[10, 10], [60, 10], [60, 26], [10, 26]], np.float32)
    apart, over = known + np.float32([60, 0]), known * 1.1
    within = (known - known.mean(axis=0)) * 0.3 + known.mean(axis=0)
    assert [np.array_equal(word, apart) for word in new_words([apart, over, within], [known])] == [True]

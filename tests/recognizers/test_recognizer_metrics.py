from __future__ import annotations

import random

import pytest

from recognizers import WordScore, normalise_label
from recognizers.metrics import edit_distance, similarity
from segrec.core.errors import ConfigError


def test_counts_add_up_and_are_divided_once():
    score = WordScore()
    score.add("hello", "hello")
    score.add("hallo", "hello")
    score.add("", "abcd")
    assert (score.words, score.correct, score.skipped) == (3, 1, 0)
    assert score.accuracy == pytest.approx(1 / 3)
    assert score.ned == pytest.approx((1 + 0.8 + 0) / 3)


def test_an_unreadable_word_counts_as_wrong_and_as_skipped():
    score = WordScore()
    score.add("a", "a")
    score.add_unreadable("b")
    assert (score.words, score.correct, score.skipped) == (2, 1, 1)
    assert (score.accuracy, score.ned) == (0.5, 0.5)


def test_shards_merge_to_the_whole():
    pairs = [("ab", "ab"), ("ab", "ac"), ("", ""), ("xyz", "x")]
    whole, first, second = WordScore(), WordScore(), WordScore()
    for index, pair in enumerate(pairs):
        whole.add(*pair)
        (first, second)[index % 2].add(*pair)
    second.add_unreadable("q")
    whole.add_unreadable("q")
    first.merge(second)
    assert first == whole


def test_no_words_score_zero():
    assert (WordScore().accuracy, WordScore().ned) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [("", "", 0), ("a", "", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("abc", "abc", 0)],
)
def test_edit_distance_by_hand(first, second, distance):
    assert edit_distance(first, second) == distance


def test_edit_distance_is_a_metric_on_random_texts():
    rng = random.Random(0)
    texts = ["".join(rng.choices("abc", k=rng.randrange(7))) for _ in range(12)]
    for a in texts:
        for b in texts:
            assert edit_distance(a, b) == edit_distance(b, a)
            assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))
            assert all(edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c) for c in texts)


def test_two_empty_texts_are_alike():
    assert similarity("", "") == 1.0


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("It's 5 O'Clock", {}, "its5oclock"),
        ("CAFÉ", {}, "cafe"),
        ("Café-1", {"case_sensitive": True}, "Cafe1"),
        ("Café-1", {"charset_filter": "none"}, "café-1"),
        ("A b", {"charset_filter": "none", "case_sensitive": True}, "A b"),
        ("!?", {}, ""),
    ],
)
def test_labels_are_normalised_as_evaluations_do(text, options, expected):
    assert normalise_label(text, **options) == expected


def test_unknown_filters_are_refused():
    with pytest.raises(ConfigError, match="charset filter must be 'alnum' or 'none', got 'ascii'"):
        normalise_label("a", charset_filter="ascii")  # type: ignore[arg-type]

"""Intervals of accuracies and of their differences."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest

from segrec.evaluation import statistics
from segrec.evaluation.statistics import Difference, paired_bootstrap_means, seeded_bootstrap, wilson_interval


@pytest.mark.parametrize(
    ("correct", "words", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(correct, words, low, high):
    assert wilson_interval(correct, words) == pytest.approx((low, high), abs=6e-5)
    mirrored = wilson_interval(words - correct, words)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=6e-5)


def test_the_interval_by_hand():
    # 8 of 10, z^2 = 3.841459: middle (0.8 + 0.192073) / 1.384146, half 1.959964 sqrt(0.016 + 0.009604) / 1.384146
    assert wilson_interval(8, 10) == pytest.approx((0.716741 - 0.226577, 0.716741 + 0.226577), abs=1e-5)


def test_the_ends_are_exact():
    assert wilson_interval(0, 7)[0] == 0.0 and wilson_interval(7, 7)[1] == 1.0
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_more_words_make_it_narrower_around_the_accuracy():
    widths = []
    for words in (10, 100, 1000):
        low, high = wilson_interval(words * 7 // 10, words)
        assert 0 < low < 0.7 < high < 1
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def paired_bootstrap(first: Sequence[bool], second: Sequence[bool], **options: int) -> Difference:
    """Return what the second gains with one seed on each side."""
    return seeded_bootstrap(np.array([first], dtype=bool), np.array([second], dtype=bool), **options)


def outcomes(*shares: int) -> tuple[list[bool], list[bool]]:
    """Return paired outcomes: so many words only the first read right, only the second, both, neither."""
    first, second, both, neither = shares
    return (
        [True] * first + [False] * second + [True] * both + [False] * neither,
        [False] * first + [True] * second + [True] * both + [False] * neither,
    )


def test_the_difference_is_the_gain_of_the_second():
    first, second = outcomes(10, 40, 100, 50)
    difference = paired_bootstrap(first, second)
    assert difference.mean == pytest.approx(30 / 200)
    # normal approximation: sqrt((0.25 - 0.15^2) / 200) = 0.033727
    assert difference.low == pytest.approx(0.15 - 1.96 * 0.033727, abs=0.008)
    assert difference.high == pytest.approx(0.15 + 1.96 * 0.033727, abs=0.008)


def test_swapping_the_readers_mirrors_the_difference():
    first, second = outcomes(10, 40, 100, 50)
    there, back = paired_bootstrap(first, second), paired_bootstrap(second, first)
    assert back.mean == -there.mean
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=0.011)


def test_pairs_count_and_not_only_totals():
    agreeing = paired_bootstrap(*outcomes(0, 20, 80, 100))
    disagreeing = paired_bootstrap(*outcomes(40, 60, 40, 60))
    assert agreeing.mean == disagreeing.mean
    assert agreeing.high - agreeing.low < 0.7 * (disagreeing.high - disagreeing.low)


def test_equal_readers_differ_by_nothing():
    assert paired_bootstrap([True, False], [True, False]) == Difference(0.0, 0.0, 0.0)
    assert paired_bootstrap([False], [True]) == Difference(1.0, 1.0, 1.0)


def test_the_seed_decides_and_words_may_be_numpy():
    first, second = outcomes(3, 9, 10, 8)
    assert paired_bootstrap(first, second, seed=1) == paired_bootstrap(np.array(first), np.array(second), seed=1)
    seeds = {paired_bootstrap(first, second, seed=seed, draws=50)[1:] for seed in range(8)}
    assert len(seeds) > 1


@pytest.mark.parametrize(
    ("first", "second", "sizes"), [([True], [], "(1, 1) and (1, 0)"), ([], [], "(1, 0) and (1, 0)")]
)
def test_other_words_or_none_are_refused(first, second, sizes):
    with pytest.raises(ValueError, match=re.escape(f"both must be (seeds, words) of the same words, got {sizes}")):
        paired_bootstrap(first, second)


def test_the_interval_of_a_mean_score_is_that_of_the_same_outcomes():
    first, second = outcomes(10, 40, 100, 50)
    as_words, as_scores = paired_bootstrap(first, second), paired_bootstrap_means(first, second)
    assert as_scores.mean == pytest.approx(as_words.mean)
    assert as_scores[1:] == pytest.approx(as_words[1:], abs=0.011)


def test_a_constant_gain_has_no_interval_and_a_varied_one_the_normal_approximation():
    scores = np.random.default_rng(0).random(400)
    assert paired_bootstrap_means(scores, scores + 0.25) == pytest.approx((0.25, 0.25, 0.25))
    gains = np.random.default_rng(1).normal(0.05, 0.2, 400)
    difference = paired_bootstrap_means(scores, scores + gains)
    half = 1.96 * gains.std() / 20
    assert difference == pytest.approx((gains.mean(), gains.mean() - half, gains.mean() + half), abs=0.002)


def test_resamples_in_parts_are_as_many_as_were_asked_for(monkeypatch):
    monkeypatch.setattr(statistics, "DRAWN_AT_ONCE", 7)
    found = paired_bootstrap_means([0.0, 0.5, 0.25], [0.5, 0.75, 0.0], seed=3, draws=301)
    monkeypatch.setattr(statistics, "DRAWN_AT_ONCE", 10**6)
    assert found == paired_bootstrap_means([0.0, 0.5, 0.25], [0.5, 0.75, 0.0], seed=3, draws=301)


def test_scores_of_other_images_or_none_are_refused():
    with pytest.raises(ValueError, match="both must hold the same images, at least one; got 1 and 2"):
        paired_bootstrap_means([0.5], [0.5, 0.5])
    with pytest.raises(ValueError, match="got 0 and 0"):
        paired_bootstrap_means([], [])

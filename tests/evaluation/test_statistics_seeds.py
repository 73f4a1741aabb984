"""Intervals over words and seeds, and McNemar's test."""

from __future__ import annotations

import time

import numpy as np
import pytest

from segrec.evaluation.statistics import mcnemar, seeded_bootstrap, seeded_interval, wilson_interval


def reads(seed: int, seeds: int, words: int, accuracy: float = 0.7) -> np.ndarray:
    return np.random.default_rng(seed).random((seeds, words)) < accuracy


def table(lost: int, won: int, same: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return (first, second) of one seed: words only the first read right, only the second, and both."""
    first = [True] * lost + [False] * won + [True] * same
    second = [False] * lost + [True] * won + [True] * same
    return np.array([first]), np.array([second])


def test_one_seed_on_each_side_draws_words_alone():
    first, second = reads(0, 1, 300), reads(1, 1, 300, 0.8)
    gain = second[0].astype(int) - first[0]
    shares = [(gain == value).mean() for value in (-1, 0, 1)]
    sums = np.random.default_rng(0).multinomial(300, shares, size=10_000) @ [-1, 0, 1]
    low, high = np.quantile(sums / 300, [0.025, 0.975])
    assert seeded_bootstrap(first, second) == pytest.approx((gain.mean(), low, high))


def test_seeds_that_disagree_widen_the_interval_and_equal_ones_do_not():
    first = reads(0, 1, 2000).repeat(3, axis=0)
    second = reads(1, 1, 2000, 0.72).repeat(3, axis=0)
    one = seeded_bootstrap(first[:1], second[:1])
    equal = seeded_bootstrap(first, second)
    assert equal.mean == pytest.approx(one.mean)
    assert equal.high - equal.low == pytest.approx(one.high - one.low, rel=0.05)
    uneven = second.copy()
    uneven[0, :200], uneven[2, :200] = True, False
    wide = seeded_bootstrap(first, uneven)
    assert wide.high - wide.low > 1.5 * (one.high - one.low)


def test_many_seeds_of_which_each_gains_another_amount_give_the_spread_of_their_mean():
    """Each word is right or wrong alike within a seed, so only the seeds vary: sd / sqrt(S), by Bessel's rule."""
    second = np.zeros((4, 1000), dtype=bool)
    for number, right in enumerate((100, 200, 300, 400)):
        second[number, :right] = True
    drawn = seeded_bootstrap(np.zeros((4, 1000), dtype=bool), second)
    spread = np.std([0.1, 0.2, 0.3, 0.4], ddof=1) / 2
    assert drawn.mean == pytest.approx(0.25)
    assert (drawn.high - drawn.low) / 2 == pytest.approx(1.96 * spread, rel=0.12)


def test_seeds_in_pairs_cancel_what_they_share_and_unequal_numbers_are_drawn_apart():
    first = np.zeros((3, 900), dtype=bool)
    for number in range(3):
        first[number, : 200 + 200 * number] = True
    second = first.copy()
    second[:, 800:] = True
    paired = seeded_bootstrap(first, second)
    apart = seeded_bootstrap(np.concatenate([first, first[:1]]), second)
    assert paired.mean == pytest.approx(100 / 900)
    assert paired.high - paired.low < 0.05 < 0.2 < apart.high - apart.low


def test_a_deterministic_side_stands_against_many_seeds():
    first, second = reads(0, 1, 500), reads(1, 5, 500, 0.9)
    found = seeded_bootstrap(first, second)
    assert found.mean == pytest.approx(second.mean() - first.mean())
    assert found.low < found.mean < found.high


def test_the_order_of_words_does_not_matter():
    first, second = reads(0, 3, 400), reads(1, 3, 400, 0.75)
    order = np.random.default_rng(2).permutation(400)
    assert seeded_bootstrap(first[:, order], second[:, order]) == seeded_bootstrap(first, second)


def test_ten_thousand_words_of_three_seeds_take_less_than_a_second():
    first, second = reads(0, 3, 10_000), reads(1, 3, 10_000)
    begun = time.process_time()
    seeded_bootstrap(first, second, draws=2000)
    assert time.process_time() - begun < 1


def test_other_words_or_none_are_refused():
    with pytest.raises(ValueError, match=r"of the same words, got \(1, 3\) and \(1, 4\)"):
        seeded_bootstrap(reads(0, 1, 3), reads(0, 1, 4))
    with pytest.raises(ValueError, match="same words"):
        seeded_bootstrap(reads(0, 2, 0), reads(0, 2, 0))


def test_the_interval_of_one_seed_is_wilsons_and_of_several_is_over_words_and_seeds():
    right = reads(0, 3, 1000)
    assert seeded_interval(right[:1]) == wilson_interval(int(right[0].sum()), 1000)
    assert seeded_interval(right[:, :0]) == (0.0, 1.0)
    low, high = seeded_interval(right)
    assert 0 < low < right.mean() < high < 1
    assert seeded_interval(np.ones((2, 9), dtype=bool)) == wilson_interval(9, 9)


@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [
        (0, 0, 1.0),
        (3, 3, 1.0),
        (0, 5, 2 / 2**5),
        (1, 9, 2 * (1 + 10) / 2**10),
        (9, 1, 2 * (1 + 10) / 2**10),
    ],
)
def test_mcnemar_is_the_exact_binomial_for_few_words(lost, won, p):
    assert mcnemar(*table(lost, won)) == pytest.approx(p)


def test_mcnemar_of_many_words_is_the_corrected_normal_approximation():
    # |600 - 500| - 1 = 99, 99^2 / 1100 = 8.91 with one degree of freedom: p = 0.002836
    assert mcnemar(*table(500, 600)) == pytest.approx(0.002836, abs=2e-6)
    exact, approximate = mcnemar(*table(460, 530)), mcnemar(*table(470, 542))
    assert exact == pytest.approx(approximate, abs=0.004)


def test_with_seeds_a_word_counts_once_for_the_side_that_reads_it_more_often():
    first = np.array([[True, False, False], [True, False, True], [False, False, False]])
    second = np.array([[False, True, True]])
    # word 1: 2/3 against 0, word 2: 0 against 1, word 3: 1/3 against 1; so 1 lost and 2 won
    assert mcnemar(first, second) == pytest.approx(1.0)
    assert mcnemar(np.repeat(table(0, 5)[0], 3, axis=0), np.repeat(table(0, 5)[1], 3, axis=0)) == 2 / 2**5

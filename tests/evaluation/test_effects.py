"""Which words a mask repaired and broke, what each reader is compared with, and the sentence that sums it up."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from small_results import result

from segrec.evaluation.compare import gains
from segrec.evaluation.effects import comparisons, main_comparison, oracle_gains
from segrec.evaluation.result import pooled
from segrec.reports.verdict import verdict

TRUTHS = ("a", "b", "c", "d")


def read(mask: str, *seeds: str, **names: str):
    """Return what a reader read, a letter a word."""
    return result(mask, *seeds, truths=TRUTHS, **names)


def compared(*results):
    return comparisons(results, gains(results))


def test_words_are_repaired_and_broken_in_their_order():
    (comparison,) = compared(read("none", "xbxd"), read("predicted", "abcx"))
    assert comparison.repaired.tolist() == [0, 2]
    assert comparison.broken.tolist() == [3]


def test_with_several_seeds_the_words_with_the_largest_margin_come_first():
    none = read("none", "xbxd", "xbxx", "xbcx")
    predicted = read("predicted", "xbcx", "abcx", "abcx")
    (comparison,) = compared(none, predicted)
    assert comparison.repaired.tolist() == [0, 2]  # both by 2 of 3
    assert comparison.broken.tolist() == [3]  # by 1 of 3
    (comparison,) = compared(none, read("predicted", "xbcx", "xbcx", "abcx"))
    assert comparison.repaired.tolist() == [2, 0]


def test_a_reader_is_compared_with_the_control_before_its_own_weights_and_these_before_other_masks():
    none, zero, random = read("none", "abxx", model="m"), read("zero", "axxx", model="m"), read("random", "xxxx")
    predicted = read("predicted", "abcd", model="m")
    control = read("none", "abcx", model="control", asked="control")
    for results, over in [
        ((control, none, zero, random, predicted), ("control", "none")),
        ((none, random, zero, predicted), ("m", "none")),
        ((random, zero, predicted), ("m", "zero")),
        ((random, predicted), ("crnn-random", "random")),
    ]:
        found = next(one for one in compared(*results) if one.second.mask == "predicted")
        assert (found.first.model, found.first.mask) == over


def test_a_reader_without_a_mask_is_judged_in_no_words():
    plain, control = (read("none", "abcx", model=name, asked=name) for name in ("plain", "control"))
    assert compared(control, plain) == []


def test_the_verdict_is_about_all_datasets_together_and_predicted_masks():
    first = [read("none", "axxx"), read("oracle", "abcd"), read("predicted", "abcx"), read("random", "xxxx")]
    second = [replace(one, dataset="books") for one in first]
    everything = [*first, *second]
    everything += pooled(everything)
    main = main_comparison(comparisons(everything, gains(everything)))
    assert (main.gain.dataset, main.gain.mask) == ("pooled", "predicted")
    main = main_comparison(compared(first[0], first[1]))
    assert (main.gain.dataset, main.gain.mask) == ("signs", "oracle")
    assert main_comparison([]) is None


def test_oracle_masks_are_compared_with_predicted_ones_read_by_the_same_weights():
    predicted, oracle = read("predicted", "abxx", model="m"), read("oracle", "abcx", model="m")
    (gain,) = oracle_gains([read("none", "abxx"), predicted, oracle])
    assert (gain.over, gain.over_model, gain.over_mask, gain.mean) == ("predicted", "m", "predicted", 0.25)
    assert oracle_gains([replace(predicted, model="other"), oracle]) == []


@pytest.mark.parametrize(
    ("letters", "ending"), [("abcd", "better"), ("abxx", "no different beyond chance"), ("xxxx", "worse")]
)
def test_the_verdict_says_what_was_read_the_gain_and_whether_it_is_beyond_chance(letters, ending):
    truths = TRUTHS * 20
    none = result("none", "abxx" * 20, truths=truths, model="control")
    sentence = verdict(
        comparisons(both := [none, result("predicted", letters * 20, truths=truths, model="m")], gains(both))
    )
    assert sentence.startswith("With predicted masks, m reads ") and "and control without a mask 50.0%: " in sentence
    assert re.search(r": [+-]\d+\.\d points \(95% interval [+-]\d+\.\d to [+-]\d+\.\d, n 80, 1 seed\), ", sentence)
    assert sentence.endswith(f", {ending}.") and sentence.count(". ") == 0


def test_where_nothing_was_compared_the_verdict_says_so():
    assert verdict([], [read("random", "abxx", model="m")]) == (
        "m reads 50.0% of the 4 words of signs right with random masks; "
        "nothing was read that it could be compared with."
    )
    assert verdict([]) == "Nothing was read."

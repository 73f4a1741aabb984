"""Gains between masks, models and seeds, pooled datasets, breakdowns, and verdicts on the masks' use."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from recognizers import WordScore
from segrec.core.errors import ConfigError
from segrec.evaluation.breakdown import breakdown
from segrec.evaluation.compare import GAIN_COLUMNS, gains
from segrec.evaluation.mask_check import mask_checks
from segrec.evaluation.result import EvaluationResult, pooled
from segrec.evaluation.scoring import Scored, WordOutcome
from segrec.reports.gain_tables import breakdown_text, gain_text, mask_check_text, write_gains
from segrec.reports.tables import results_text

WORDS = 40


def scored(right: int, *, start: int = 0, words: int = WORDS) -> Scored:
    """Return words of which `right` are read right, from the one at `start` on; word i has height i + 10."""
    outcomes = [
        WordOutcome(
            index + 1, "a" * (1 + index % 12), "a", 1.0, start <= index < start + right, None, index + 10, index / 80
        )
        for index in range(words)
    ]
    return Scored(WordScore(words, right, 0, float(right)), outcomes)


def result(mask: str, *right: int, model: str = "net", dataset: str = "signs", takes_mask: bool = True, start: int = 0):
    seeds = [scored(one, start=start) for one in right]
    return EvaluationResult(dataset, mask, model, seeds[0], tuple(seeds[1:]), asked=model, takes_mask=takes_mask)


def test_text_masks_of_a_model_are_compared_with_each_of_its_controls():
    found = gains(
        [result("none", 10), result("zero", 12), result("random", 11), result("predicted", 16), result("oracle", 20)]
    )
    assert [(gain.mask, gain.over) for gain in found] == [
        ("predicted", "none"), ("predicted", "zero"), ("predicted", "random"),
        ("oracle", "none"), ("oracle", "zero"), ("oracle", "random"),
    ]  # fmt: skip
    assert found[0].mean == pytest.approx(6 / WORDS)
    assert found[0].p == pytest.approx(2 / 2**6)


def test_models_are_compared_with_the_first_by_mask_and_with_its_reading_without_one():
    results = [
        result("none", 10, model="control", takes_mask=False),
        result("random", 9, model="masked"),
        result("predicted", 16, model="masked"),
        result("predicted", 18, model="better"),
    ]
    between = [(gain.model, gain.mask, gain.over, gain.over_mask) for gain in gains(results) if gain.over == "control"]
    assert between == [
        ("masked", "random", "control", "none"),
        ("masked", "predicted", "control", "none"),
        ("better", "predicted", "control", "none"),
    ]
    over = [(gain.model, gain.mask, gain.over) for gain in gains(results, over="masked") if gain.over == "masked"]
    assert over == [("better", "predicted", "masked")]
    with pytest.raises(ConfigError, match="--over other is not one of the models; use one of control, masked, better"):
        gains(results, over="other")


def test_seeds_are_counted_and_their_spread_widens_the_interval():
    steady = gains([result("none", 10, 10, 10), result("predicted", 14, 14, 14)])[0]
    varied = gains([result("none", 10, 10, 10), result("predicted", 8, 14, 20)])[0]
    assert (steady.seeds, steady.over_seeds, steady.mean) == (3, 3, pytest.approx(varied.mean))
    assert varied.low < 0 < steady.low
    one = gains([result("none", 10), result("predicted", 8, 14, 20)])[0]
    assert (one.seeds, one.over_seeds) == (3, 1)
    assert "3 over 1" in gain_text([one]) and "is no proof" in gain_text([one])
    assert "is no proof" not in gain_text([steady])


def test_the_row_of_several_seeds_is_their_mean_and_says_each():
    row = result("random", 8, 14, 20).row()
    assert (row["words"], row["correct"], row["accuracy"], row["seeds"]) == (WORDS, 14.0, 14 / WORDS, 3)
    assert row["accuracies"] == [0.2, 0.35, 0.5]
    assert row["interval"][0] < 0.2 and row["interval"][1] > 0.5
    table = results_text([result("none", 8), result("random", 8, 20)], "markdown")
    assert "20.00 to 50.00" in table and "lowest to highest %" in table


def test_pooled_rows_count_every_word_once_and_are_compared_too():
    results = [result(mask, right, dataset=name) for name, rights in (("a", (10, 20)), ("b", (30, 32)))
               for mask, right in zip(("none", "predicted"), rights, strict=True)]  # fmt: skip
    together = pooled(results)
    assert [(one.mask, one.row()["words"], one.row()["correct"]) for one in together] == [
        ("none", 80, 40), ("predicted", 80, 52)
    ]  # fmt: skip
    assert pooled(results[:2]) == []
    report = json.loads(results_text(results, "json"))
    assert [(gain["dataset"], gain["n"]) for gain in report["gains"]] == [("a", 40), ("b", 40), ("pooled", 80)]
    assert report["gains"][2]["mean"] == pytest.approx(15.0)
    assert set(report["gains"][0]) == set(GAIN_COLUMNS)
    assert [row["dataset"] for row in report["results"]] == ["a", "a", "b", "b"]
    assert [row["dataset"] for row in report["pooled"]] == ["pooled"] * 2
    assert "| pooled  | predicted | net   |" in results_text(results, "markdown")
    assert results_text(results, "csv").splitlines()[-1].startswith("pooled,predicted,80,52,0.65,")


def test_a_mask_that_not_every_dataset_has_is_not_pooled():
    results = [result("oracle", 10, dataset="a"), result("predicted", 10, dataset="b")]
    assert pooled(results) == []


def test_gains_in_a_file_are_those_of_json(tmp_path):
    found = gains([result("none", 10), result("predicted", 16)])
    write_gains(str(tmp_path / "new" / "gains.csv"), found)
    with open(tmp_path / "new" / "gains.csv", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert rows == [{name: str(value) for name, value in found[0].row().items()}]


def test_every_word_is_in_one_group_of_height_and_length_and_coverage():
    rows = breakdown([result("none", 10), result("predicted", 16)])
    for by, of in (("height", None), ("length", None), ("coverage", "predicted")):
        for mask, right in (("none", 10), ("predicted", 16)):
            group = [row for row in rows if (row.by, row.coverage_of, row.mask) == (by, of, mask)]
            assert sum(row.words for row in group) == WORDS and sum(row.correct for row in group) == right
    low = next(row for row in rows if (row.by, row.mask, row.group) == ("height", "none", "<16"))
    assert (low.words, low.correct, low.accuracy) == (6, 6.0, 1.0)
    text = breakdown_text(rows)
    assert "signs: accuracy % by crop height" in text and "text share of predicted mask" in text
    assert rows[0].row()["by"] == "height" and isinstance(rows[0].row()["interval"], list)


def test_unreadable_words_have_no_height_and_no_coverage():
    broken = result("predicted", 4)
    broken.scored.outcomes[0] = WordOutcome(1, "a", "", 0.0, False, "image-000000001 is missing")
    rows = breakdown([broken])
    totals = {by: sum(row.words for row in rows if row.by == by) for by in ("height", "length", "coverage")}
    assert totals == {"height": WORDS - 1, "length": WORDS, "coverage": WORDS - 1}


@pytest.mark.parametrize(
    ("own", "shuffled", "zero", "said"),
    [
        (30, 10, 15, "it uses its mask"),
        (30, 30, 15, "does not use what the mask shows"),
        (30, 10, 30, "looks at its mask but gains nothing"),
        (10, 30, 20, "mislead"),
        (20, 20, 20, "no sign that it uses its mask"),
    ],
)
def test_the_verdict_on_the_masks_use_follows_from_own_shuffled_and_empty_ones(own, shuffled, zero, said):
    results = [result("oracle", own), result("shuffled", shuffled), result("zero", zero)]
    check = mask_checks(results)[0]
    assert (check.own, check.shuffled, check.zero) == (own / WORDS, shuffled / WORDS, zero / WORDS)
    assert said in check.verdict
    assert f"net on signs: {check.verdict}." in mask_check_text([check])
    report = json.loads(results_text(results, "json", mask_check=True))
    assert report["mask_check"][0]["verdict"] == check.verdict


def test_right_is_a_table_of_seeds_and_words():
    right = result("none", 3, 5).right
    assert right.shape == (2, WORDS) and right.sum(axis=1).tolist() == [3, 5] and right.dtype == np.bool_

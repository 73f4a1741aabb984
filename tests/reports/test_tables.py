"""Result tables."""

from __future__ import annotations

import csv
import io
import json

import pytest

from recognizers import WordScore
from segrec.evaluation.scoring import Scored, WordOutcome
from segrec.jobs.evaluate import EvaluationResult
from segrec.reports.tables import results_text


def result(mask: str, correct: int, dataset: str = "signs") -> EvaluationResult:
    """Return a result on 4 words, the first `correct` of which were read right; one could not be read at all."""
    outcomes = [WordOutcome(index, "a", "a", 1.0, index <= correct, None) for index in range(1, 5)]
    score = WordScore(words=4, correct=correct, skipped=1, similarity_sum=3.5)
    return EvaluationResult(dataset, mask, f"crnn-{mask}", Scored(score, outcomes, unlabelled=2))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_markdown_is_in_per_cent_and_its_columns_are_aligned():
    table = results_text([result("none", 2)], "markdown")
    header, rule, row = table.splitlines()
    assert cells(header) == [
        "dataset", "mask", "model", "words", "correct", "accuracy %", "95% interval", "1-NED %", "unreadable"
    ]  # fmt: skip
    assert cells(row) == ["signs", "none", "crnn-none", "4", "2", "50.00", "15.0 to 85.0", "87.50", "1"]
    bars = [[place for place, character in enumerate(line) if character == "|"] for line in (header, rule, row)]
    assert bars[0] == bars[1] == bars[2]
    assert table.endswith("|\n")


def test_markdown_says_below_what_predicted_masks_gain():
    table = results_text([result("none", 1), result("predicted", 3)], "markdown")
    line = next(line for line in table.splitlines() if line.startswith("    signs"))
    assert line.split()[:5] == ["signs", "crnn-predicted", "predicted", "none", "+50.00"]
    assert line.split()[-3:] == ["0.500", "1", "4"]
    assert "is no proof" in table
    alone = results_text([result("predicted", 3), result("none", 1, "other")], "markdown")
    assert "Gains" not in alone


def test_json_holds_the_numbers():
    content = json.loads(results_text([result("none", 2), result("zero", 4)], "json", model="mine"))
    assert content["model"] == "mine"
    first = content["results"][0]
    assert (first["words"], first["correct"], first["accuracy"], first["ned"]) == (4, 2, 0.5, 0.875)
    assert (first["skipped"], first["unlabelled"], first["model"]) == (1, 2, "crnn-none")
    assert first["interval"] == pytest.approx([0.150039, 0.849961], abs=1e-5)
    assert json.loads(results_text([], "json")) == {"model": "shipped", "results": [], "gains": []}


def test_csv_has_a_row_a_result_and_plain_columns():
    text = results_text([result("none", 2, 'with "quotes", commas'), result("zero", 4)], "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["mask"] for row in rows] == ["none", "zero"]
    assert rows[0]["dataset"] == 'with "quotes", commas'
    assert (float(rows[0]["low"]), float(rows[1]["high"])) == (pytest.approx(0.150039, abs=1e-5), 1.0)
    assert "interval" not in rows[0] and "\r" not in text


def test_no_results_give_an_empty_table():
    assert len(results_text([], "markdown").splitlines()) == 2
    assert results_text([], "csv").strip() == ""

"""`segrec eval` of several models, seeds and groups of words, and whether masks are used."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from recognizers import load_pretrained, widen_input
from recognizers.loading import save_recognizer
from segrec.jobs import evaluation_masks
from segrec.weights import PLAIN, resolve_weights


@pytest.fixture
def report(segrec):
    """Evaluates and returns the whole JSON report."""

    def run(*arguments: str | Path) -> dict[str, Any]:
        code, out, err = segrec("eval", "--format", "json", "--device", "cpu", *arguments)
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)
        return found

    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Path]:
    """Three widened networks that read the mask each a little differently."""
    folder = tmp_path_factory.mktemp("weights")
    files = []
    for number in range(3):
        wide = widen_input(load_pretrained(resolve_weights(PLAIN)), "zero-mask")
        with torch.no_grad():
            wide.get_parameter("cnn.conv0.weight")[:, 3] = 0.05 * (number + 1)
        files.append(folder / f"{number}.safetensors")
        save_recognizer(files[-1], wide)
    return files


def test_each_model_reads_with_the_masks_it_takes_and_is_compared_with_the_first(report, words, runs):
    asked = ["--data", f"w={words}", "--limit", "12", "--model", "crnn-slim", "--model", f"mine={runs[0]}"]
    found = report(*asked)
    rows = [(row["model"], row["mask"]) for row in found["results"]]
    assert rows == [("crnn-slim", "none"), ("mine", "random"), ("mine", "predicted"), ("mine", "oracle")]
    assert found["model"] == "crnn-slim, mine"
    assert found["models"] == {"crnn-slim": ["crnn-slim"], "mine": [str(runs[0])]}
    between = [(gain["model"], gain["mask"]) for gain in found["gains"] if gain["over"] == "crnn-slim"]
    assert between == [("mine", "random"), ("mine", "predicted"), ("mine", "oracle")]
    assert all(gain["low"] <= gain["mean"] <= gain["high"] and 0 <= gain["p"] <= 1 for gain in found["gains"])


def test_over_names_another_model_to_compare_with(report, words, runs):
    asked = ["--data", f"w={words}", "--limit", "6", "--mask", "zero"]
    asked += [part for number, file in enumerate(runs) for part in ("--model", f"m{number}={file}")]
    found = report(*asked, "--over", "m1")
    assert [(gain["model"], gain["over"]) for gain in found["gains"]] == [("m0", "m1"), ("m2", "m1")]


def test_runs_under_one_name_are_its_seeds_and_each_draws_its_own_masks(report, words, runs, tmp_path):
    asked = ["--data", f"w={words}", "--limit", "12", "--mask", "random,predicted", "--predictions", tmp_path / "p"]
    found = report(*asked, *(f"--model=three={file}" for file in runs))
    assert [(row["mask"], row["seeds"], len(row["accuracies"])) for row in found["results"]] == [
        ("random", 3, 3),
        ("predicted", 3, 3),
    ]
    assert [(gain["seeds"], gain["over_seeds"], gain["n"]) for gain in found["gains"]] == [(3, 3, 12)]
    lines = [json.loads(line) for line in (tmp_path / "p").read_text().splitlines()]
    assert len(lines) == 2 * 3 * 12 and {line["seed"] for line in lines} == {1, 2, 3}
    single = report(*asked[:6], f"--model=last={runs[2]}", "--seed", "2")
    assert [row["accuracy"] for row in single["results"]] == [row["accuracies"][2] for row in found["results"]]


def test_masks_predicted_for_several_runs_are_those_predicted_for_one(report, words, runs):
    asked = ["--data", f"w={words}", "--mask", "predicted"]
    several = report(*asked, *(f"--model=three={file}" for file in runs))
    alone = [report(*asked, "--model", file)["results"][0]["accuracy"] for file in runs]
    assert several["results"][0]["accuracies"] == alone


def test_draws_of_the_random_masks_are_seeds_of_one_row(report, words, runs):
    asked = ["--data", f"w={words}", "--limit", "20", "--model", runs[2]]
    found = report(*asked, "--mask", "random,zero", "--seed", "4", "--seeds", "3")
    assert [(row["mask"], row["seeds"]) for row in found["results"]] == [("random", 3), ("zero", 1)]
    each = [report(*asked, "--mask", "random", "--seed", str(seed))["results"][0]["accuracy"] for seed in (4, 5, 6)]
    assert found["results"][0]["accuracies"] == each
    assert found["results"][0]["accuracy"] == pytest.approx(sum(each) / 3)


def test_words_are_counted_by_height_length_and_coverage_which_predictions_hold_too(segrec, report, words, tmp_path):
    asked = ["--data", f"w={words}", "--mask", "none,predicted", "--breakdown"]
    found = report(*asked, "--predictions", tmp_path / "p.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert all(line["height"] > 0 for line in lines)
    assert {line["mask"] for line in lines if line["coverage"] is None} == {"none"}
    assert all(0 <= line["coverage"] <= 1 for line in lines if line["mask"] == "predicted")
    groups = {(row["by"], row["coverage_of"]) for row in found["breakdown"]}
    assert groups == {("height", None), ("length", None), ("coverage", "predicted")}
    text = segrec("eval", *asked).out
    assert "w: accuracy % by crop height" in text and "w: accuracy % by text share of predicted mask" in text


def test_a_mask_check_reads_with_own_other_words_and_empty_masks(report, words, masks, runs):
    found = report("--data", f"w={words}", "--mask-check", "--model", runs[2])
    assert [row["mask"] for row in found["results"]] == ["oracle", "shuffled", "zero"]
    assert {row["words"] for row in found["results"]} == {40}
    assert found["mask_check"][0]["verdict"]
    shipped = report("--data", f"w={words}", "--limit", "6", "--mask-check")
    assert {row["model"] for row in shipped["results"]} == {"crnn-slim-predicted"}


def test_a_mask_check_leaves_out_what_takes_no_mask_and_needs_something_that_does(segrec, report, words, runs):
    asked = ["--data", f"w={words}", "--limit", "6", "--mask-check", "--model", "crnn-slim"]
    found = report(*asked, "--model", f"m={runs[0]}")
    assert {row["model"] for row in found["results"]} == {"m"}
    code, _, err = segrec("eval", *asked, "--model", "aster-slim")
    assert code == 1 and "no model has a mask channel" in err


def test_masks_without_exact_ones_are_checked_with_predicted_ones(report, words, masks, runs, monkeypatch):
    monkeypatch.setattr(evaluation_masks, "ORACLE", "nowhere")
    asked = ["--data", f"w={words}", "--masks", f"w={masks}", "--limit", "8", "--mask-check", "--model", runs[0]]
    assert [row["mask"] for row in report(*asked)["results"]] == ["predicted", "shuffled", "zero"]


def test_gains_go_to_a_file_beside_a_table_in_csv(segrec, words, tmp_path):
    asked = ["--data", f"w={words}", "--limit", "6", "--mask", "none,predicted", "--format", "csv"]
    code, out, _ = segrec("eval", *asked, "--gains", tmp_path / "gains.csv")
    assert code == 0 and len(list(csv.DictReader(out.splitlines()))) == 2
    rows = list(csv.DictReader((tmp_path / "gains.csv").read_text().splitlines()))
    assert [(row["mask"], row["over"], row["n"]) for row in rows] == [("predicted", "none", "6")]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--over", "x"], 2, "there is no model 'x'; name several with --model"),
        (["--model", "a=crnn-slim", "--model", "aster-slim", "--over", "x"], 2, "use one of a, aster-slim"),
        (["--model", "a=", "--model", "b=x"], 2, "expected NAME=MODEL or MODEL, got 'a='"),
        (["--model", "crnn-slim", "--model", "crnn-slim"], 2, "crnn-slim is named twice; seeds are different runs"),
        (["--mask-check", "--mask", "zero"], 2, "leave --mask out"),
        (["--breakdown", "--format", "csv"], 2, "csv is one table"),
        (["--model", "zero=crnn-slim", "--model", "aster-slim"], 1, "may not be called as a kind of mask"),
        (["--model", "a=crnn-slim", "--model", "a=crnn-slim-zero"], 1, "only some weights of a have a mask channel"),
        (["--data", "pooled={words}", "--mask", "none"], 1, "is the name of all databases together"),
        (["--gains", "{words}"], 1, "it is a folder"),
    ],
)
def test_what_does_not_go_together_is_said_before_any_word_is_read(segrec, words, monkeypatch, arguments, code, said):
    monkeypatch.setattr("segrec.jobs.evaluate.score_words", lambda *a, **k: pytest.fail("a word was read"))
    found = segrec("eval", "--data", f"w={words}", *[part.format(words=words) for part in arguments])
    assert (found.code, found.out) == (code, "") and said in found.err

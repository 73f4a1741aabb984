"""What `segrec eval` counts, prints and writes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from cli_words import copy_words
from segrec_process import together

from recognizers import load_pretrained, widen_input
from recognizers.loading import save_recognizer
from segrec.weights import PLAIN, resolve_weights

ROW = {"dataset", "mask", "words", "correct", "accuracy", "ned", "skipped"}


@pytest.fixture
def rows(segrec):
    """Evaluates and returns the JSON rows."""

    def run(*arguments: str | Path) -> list[dict[str, Any]]:
        code, out, err = segrec("eval", "--format", "json", "--device", "cpu", *arguments)
        assert code == 0, err
        found: list[dict[str, Any]] = json.loads(out)["results"]
        return found

    return run


@pytest.fixture(scope="module")
def attentive(tmp_path_factory) -> Path:
    """Weights whose readings depend on the mask, trained or not."""
    wide = widen_input(load_pretrained(resolve_weights(PLAIN)), "zero-mask")
    with torch.no_grad():
        wide.get_parameter("cnn.conv0.weight")[:, 3] = 0.2
    file = tmp_path_factory.mktemp("weights") / "attentive.safetensors"
    save_recognizer(file, wide)
    return file


def predictions(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_json_has_the_model_and_a_row_for_each_database_and_mask(segrec, words):
    data = ["--data", f"first={words}", "--data", f"second={words}", "--limit", "10"]
    code, out, _ = segrec("eval", *data, "--mask", "zero,none", "--format", "json")
    report = json.loads(out)
    assert code == 0 and set(report) == {"model", "results", "pooled", "gains"}
    pairs = [(row["dataset"], row["mask"]) for row in report["results"]]
    assert pairs == [("first", "zero"), ("first", "none"), ("second", "zero"), ("second", "none")]
    for row in report["results"]:
        assert set(row) >= ROW
        assert (row["words"], row["skipped"]) == (10, 0)
        assert row["accuracy"] == row["correct"] / row["words"]
        assert 0 <= row["accuracy"] <= row["ned"] <= 1


def test_json_names_the_model_that_was_asked_for(segrec, words):
    file = str(resolve_weights(PLAIN))
    out = segrec("eval", "--data", f"w={words}", "--model", file, "--limit", "2", "--format", "json").out
    assert json.loads(out)["model"] == file
    assert [row["mask"] for row in json.loads(out)["results"]] == ["none"]


def test_csv_and_markdown_show_the_rows_of_json(segrec, rows, words):
    asked = ["--data", f"w={words}", "--mask", "none,random", "--limit", "12"]
    expected = rows(*asked)
    table = list(csv.DictReader(io.StringIO(segrec("eval", *asked, "--format", "csv").out)))
    assert set(table[0]) >= ROW
    lines = [line.split("|") for line in segrec("eval", *asked).out.splitlines() if line.startswith("|")][2:]
    for wanted, from_csv, cells in zip(expected, table, lines, strict=True):
        assert {name: from_csv[name] for name in ROW} == {name: str(wanted[name]) for name in ROW}
        assert [cell.strip() for cell in cells[1:3]] == ["w", wanted["mask"]]
        assert f"{100 * wanted['accuracy']:.2f}" in [cell.strip() for cell in cells]


def test_predictions_hold_every_word_and_add_up_to_the_score(rows, words, tmp_path):
    file = tmp_path / "new folder" / "read.jsonl"
    found = rows("--data", f"w={words}", "--mask", "none,predicted", "--predictions", file)
    lines = predictions(file)
    assert len(lines) == sum(row["words"] for row in found)
    for row in found:
        own = [line for line in lines if line["mask"] == row["mask"]]
        assert sum(line["correct"] for line in own) == row["correct"]
        assert {line["dataset"] for line in own} == {"w"}
        assert all(line["label"] and 0 <= line["confidence"] <= 1 and line["problem"] is None for line in own)


def test_masks_from_a_store_read_as_masks_predicted_on_the_fly(rows, words, masks, attentive, tmp_path):
    asked = ["--model", attentive, "--data", f"w={words}", "--mask", "predicted", "--predictions"]
    on_the_fly = rows(*asked, tmp_path / "fly.jsonl")
    stored = rows(*asked, tmp_path / "store.jsonl", "--masks", f"w={masks}")
    assert stored == on_the_fly
    pairs = zip(predictions(tmp_path / "fly.jsonl"), predictions(tmp_path / "store.jsonl"), strict=True)
    for fly, store in pairs:
        assert fly["text"] == store["text"]
        assert fly["confidence"] == pytest.approx(store["confidence"], abs=1e-3)


def test_random_masks_depend_on_the_seed_alone(rows, words, attentive, tmp_path):
    asked = ["--model", attentive, "--data", f"w={words}", "--mask", "random", "--predictions"]
    for name, seed in [("a", "1"), ("b", "1"), ("c", "2")]:
        rows(*asked, tmp_path / name, "--seed", seed)
    first, second, third = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == second != third


def test_a_lexicon_turns_every_reading_into_one_of_its_words(rows, words, tmp_path):
    (tmp_path / "words.txt").write_text("alpha\nBETA\n\ngamma-ray\n", encoding="utf-8")
    asked = ["--data", f"w={words}", "--mask", "none", "--lexicon", tmp_path / "words.txt"]
    rows(*asked, "--predictions", tmp_path / "read.jsonl")
    assert {line["text"] for line in predictions(tmp_path / "read.jsonl")} <= {"alpha", "beta", "gammaray"}


def test_each_word_may_have_a_lexicon_of_its_own(rows, words, tmp_path):
    data = copy_words(words, tmp_path / "three", 3, labels=["One", "two", "3"])
    lines = [{"index": 1, "words": ["One"]}, {"index": 2, "words": ["2"]}, {"index": 3, "words": ["3", "x" * 40]}]
    own = tmp_path / "own.jsonl"
    own.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    (tmp_path / "all.txt").write_text("two\n", encoding="utf-8")
    asked = ["--data", f"a={data}", "--data", f"b={data}", "--mask", "none", "--predictions", tmp_path / "read.jsonl"]
    found = rows(*asked, "--lexicon", f"b={own}", "--lexicon", f"a={tmp_path / 'all.txt'}")
    texts = [(line["dataset"], line["text"]) for line in predictions(tmp_path / "read.jsonl")]
    assert texts == [("a", "two")] * 3 + [("b", "one"), ("b", "2"), ("b", "3")]
    assert [row["correct"] for row in found] == [1, 2]


def test_lexicon_words_that_were_no_candidates_are_said_with_the_reason(segrec, words, tmp_path):
    (tmp_path / "words.txt").write_text("short\n" + "mm" * 20 + "\n", encoding="utf-8")
    asked = ["--data", f"w={words}", "--mask", "none", "--limit", "3", "--lexicon", tmp_path / "words.txt"]
    code, _, err = segrec("eval", *asked)
    assert code == 0
    assert "w: 3 times a word of the lexicon was not a candidate, because it needs more frames than the network" in err


def test_a_beam_reads_words_with_their_whole_probability(rows, words, tmp_path):
    asked = ["--data", f"w={words}", "--mask", "none", "--limit", "10", "--predictions"]
    rows(*asked, tmp_path / "greedy.jsonl")
    rows(*asked, tmp_path / "beam.jsonl", "--beam", "5")
    pairs = list(zip(predictions(tmp_path / "greedy.jsonl"), predictions(tmp_path / "beam.jsonl"), strict=True))
    same = [(greedy, beam) for greedy, beam in pairs if greedy["text"] == beam["text"]]
    assert len(same) >= 7
    assert all(greedy["confidence"] != beam["confidence"] for greedy, beam in same)


def test_two_processes_print_and_write_exactly_what_one_does(segrec, words, tmp_path):
    data = copy_words(words, tmp_path / "many", 131, images={70: b"no picture"})
    (tmp_path / "words.txt").write_text("alpha\nBETA\n" + "mm" * 20 + "\n", encoding="utf-8")
    asked = ["eval", "--data", f"w={data}", "--mask", "none", "--limit", "129", "--device", "cpu", "--format", "json"]
    asked += ["--lexicon", str(tmp_path / "words.txt"), "--predictions"]
    alone = segrec(*asked, tmp_path / "alone.jsonl")
    first, second = together([*asked, str(tmp_path / "together.jsonl")], tmp_path)
    assert (first.code, first.out) == (0, alone.out), first.err
    assert (second.code, second.out, second.err) == (0, "", "")
    assert json.loads(alone.out)["results"][0]["words"] == 129
    assert (tmp_path / "together.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()
    said = [line for line in first.err.splitlines() if line.startswith("warning: w:")]
    assert said == [line for line in alone.err.splitlines() if line.startswith("warning: w:")] and len(said) == 2


def test_an_error_of_one_process_is_that_of_both(words, tmp_path):
    data = copy_words(words, tmp_path / "some", 130, labels=["a"] * 130)
    lines = [{"index": index, "words": ["a" if index != 70 else "?"]} for index in range(1, 131)]
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    asked = ["eval", "--data", f"w={data}", "--mask", "none", "--device", "cpu", "--lexicon", tmp_path / "own.jsonl"]
    for outcome in together([str(one) for one in asked], tmp_path):
        assert (outcome.code, outcome.out) == (1, "")
        assert "own.jsonl, index 70: the lexicon holds no word" in outcome.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("rule", "right"),
    [
        ([], ["abc", "ABC", "a-b c", "Ábc"]),
        (["--case-sensitive"], ["abc", "a-b c"]),
        (["--charset-filter", "none"], ["abc", "ABC"]),
        (["--charset-filter", "none", "--case-sensitive"], ["abc"]),
    ],
)
def test_what_of_a_label_counts_is_chosen_by_filter_and_case(rows, words, tmp_path, rule, right):
    labels = ["abc", "ABC", "a-b c", "Ábc", "abd"]
    data = copy_words(words, tmp_path / "labelled", len(labels), labels=labels)
    (tmp_path / "words.txt").write_text("abc\n", encoding="utf-8")  # so that every reading is abc
    asked = ["--data", f"w={data}", "--mask", "none", "--lexicon", tmp_path / "words.txt", *rule]
    found = rows(*asked, "--predictions", tmp_path / "read.jsonl")
    assert [line["label"] for line in predictions(tmp_path / "read.jsonl") if line["correct"]] == right
    assert (found[0]["words"], found[0]["correct"]) == (5, len(right))


def test_a_label_of_which_nothing_is_left_is_left_out_and_counted(rows, words, tmp_path):
    data = copy_words(words, tmp_path / "labelled", 3, labels=["abc", "?!", "abd"])
    row = rows("--data", f"w={data}", "--mask", "none")[0]
    assert (row["words"], row["unlabelled"], row["skipped"]) == (2, 1, 0)


def test_an_unreadable_image_in_the_middle_counts_as_wrong_and_is_named(segrec, words, tmp_path):
    data = copy_words(words, tmp_path / "damaged", 9, images={5: b"no picture"})
    asked = ["--data", f"w={data}", "--mask", "none", "--predictions", tmp_path / "read.jsonl", "--format", "json"]
    code, out, err = segrec("eval", *asked)
    row = json.loads(out)["results"][0]
    assert code == 0 and (row["words"], row["skipped"]) == (9, 1)
    assert "1 of 9" in err and "image-000000005" in err and "count as wrong" in err
    line = predictions(tmp_path / "read.jsonl")[4]
    assert (line["index"], line["text"], line["correct"]) == (5, "", False)
    assert "image-000000005" in line["problem"]


def test_a_bare_path_is_reported_under_its_folders_name(rows, words, masks):
    found = rows("--data", words, "--masks", f"words={masks}", "--mask", "predicted", "--limit", "3")
    assert [row["dataset"] for row in found] == ["words"]


def test_a_widened_model_without_masks_is_fed_zeros_and_says_so_once(segrec, words):
    data = ["--data", f"a={words}", "--data", f"b={words}", "--limit", "5", "--model", "crnn-slim-predicted"]
    code, _, err = segrec("eval", *data, "--mask", "none")
    assert code == 0
    assert err.count("crnn-slim-predicted has a mask channel; for --mask none it is fed zeros") == 1


def test_a_plain_model_cannot_be_given_masks(segrec, words):
    file = str(resolve_weights(PLAIN))
    code, out, err = segrec("eval", "--data", f"w={words}", "--model", file, "--mask", "none,predicted")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert f"{file} has no mask channel" in err and "segrec finetune" in err


def test_the_name_of_plain_weights_stands_for_the_variant_of_each_mask(segrec, words):
    data = ["--data", f"w={words}", "--limit", "3", "--model", "crnn-slim", "--format", "json"]
    code, out, _ = segrec("eval", *data, "--mask", "none,zero")
    assert code == 0
    assert [row["model"] for row in json.loads(out)["results"]] == ["crnn-slim", "crnn-slim-zero"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "late={missing}"], "does not exist"),
        (["--masks", "w={missing}", "--mask", "none,predicted"], "does not exist"),
        (["--masks", "other={masks}"], "--masks names other, which no --data does"),
        (["--masks", "w={oracle}", "--mask", "none,predicted"], "holds predicted masks"),
        (["--predictions", "{folder}"], "it is a folder"),
        (["--predictions", "{file}/read.jsonl"], "choose another --predictions"),
        (["--lexicon", "{missing}"], "cannot read the lexicon"),
        (["--lexicon", "other={text}"], "--lexicon names other, which no --data does"),
        (["--data", "late={masks}/../words", "--lexicon", "w={text}"], "add --lexicon late=FILE"),
        (["--lexicon", "{own}"], "has no lexicon for 39 of 40 words, the first is index 2"),
    ],
)
def test_a_mistake_anywhere_shows_before_any_word_is_read(segrec, words, masks, tmp_path, monkeypatch, arguments, said):
    monkeypatch.setattr("segrec.jobs.evaluate.score_words", lambda *a, **k: pytest.fail("a word was read"))
    (tmp_path / "file").write_text("")
    places = {"missing": tmp_path / "missing", "masks": masks, "oracle": words / "oracle"}
    places |= {"folder": tmp_path, "file": tmp_path / "file"}
    places |= {"text": tmp_path / "words.txt", "own": tmp_path / "own.jsonl"}
    places["text"].write_text("alpha\n")
    places["own"].write_text('{"index": 1, "words": ["alpha"]}\n')
    code, out, err = segrec("eval", "--data", f"w={words}", *[part.format(**places) for part in arguments])
    assert (code, out) == (1, "")
    assert err.count("\n") == 1 and said in err


@pytest.mark.parametrize(
    ("lexicons", "said"),
    [
        (["a.txt", "b.txt"], "give one FILE for all data, or a NAME=FILE for each"),
        (["w=a.txt", "b.txt"], "give one FILE for all data, or a NAME=FILE for each"),
        (["w=a.txt", "w=b.txt"], "two lexicons are for the same data; join them in one file"),
        (["=a.txt"], "expected NAME=PATH"),
    ],
)
def test_lexicons_for_all_and_for_each_are_not_mixed(segrec, words, lexicons, said):
    code, out, err = segrec("eval", "--data", f"w={words}", *[f"--lexicon={one}" for one in lexicons])
    assert (code, out) == (2, "") and said in err

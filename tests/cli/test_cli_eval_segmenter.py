"""What `segrec eval-segmenter` counts, prints and writes."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from markdown_cells import unaligned
from segrec_process import fresh

from segmenter.loading import load_segmenter, save_segmenter
from segmenter.network import MutuallyGuidedNet
from segrec.core.images import read_image
from segrec.rendering.writing import render_scenes

COUNTS = ("true_positive", "false_positive", "false_negative")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    """Two rendered scenes; tests must not write here."""
    folder = tmp_path_factory.mktemp("rendered") / "scenes"
    render_scenes(folder, 2, seed=2)
    return folder


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> Path:
    """Weights that have learnt nothing."""
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_segmenter(file, MutuallyGuidedNet(width=2, working_height=16))
    return file


@pytest.fixture
def rows(segrec):
    """Evaluates and returns the JSON rows."""

    def run(*arguments: str | Path) -> list[dict[str, Any]]:
        code, out, err = segrec("eval-segmenter", "--format", "json", "--device", "cpu", *arguments)
        assert code == 0, err
        found: list[dict[str, Any]] = json.loads(out)["results"]
        return found

    return run


def test_a_fresh_process_scores_scenes_and_words_with_the_shipped_weights(words, scenes, tmp_path):
    outcome = fresh(
        "eval-segmenter", "--data", f"scenes={scenes}", "--data", f"words={words}", "--limit", "2", "--rows", "r.csv",
        "--format", "json", "--curves", "c.png", "--device", "cpu", "--sweep", "--target", "text", cwd=tmp_path,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)["results"]
    assert [(row["data"], row["target"], row["pictures"]) for row in found] == [
        ("scenes", "text", "scenes"),
        ("words", "text", "words"),
    ]
    for row in found:
        assert (row["segmenter"], row["images"], row["skipped"], row["threshold"]) == ("mgnet-slim", 2, 0, 0.5)
        assert 0 < row["pooled_iou"] <= row["pooled_f1"] <= 1 and row["best_f1"] >= row["f1"] > 0
        assert row["sweep"][128]["f1"] == pytest.approx(row["f1"])
    picture = read_image(tmp_path / "c.png")
    assert picture.shape[1] > 1500 and len(np.unique(picture @ (1, 256, 65536))) > 20
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 1 + 2 * 2


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_rows_of_images_add_up_to_the_totals(rows, words, untrained, tmp_path, suffix):
    file = tmp_path / "new folder" / f"rows{suffix}"
    data = ["--data", f"words={words}", "--segmenter", "mgnet-slim", "--segmenter", f"poor={untrained}"]
    found = rows(*data, "--rows", file, "--limit", "12")
    text = file.read_text(encoding="utf-8")
    lines = list(csv.DictReader(io.StringIO(text))) if suffix == ".csv" else list(map(json.loads, text.splitlines()))
    assert len(lines) == 4 * 12
    for row in found:
        own = [line for line in lines if (line["segmenter"], line["target"]) == (row["segmenter"], row["target"])]
        assert [line["image"] for line in own] == [f"image-{index:09d}" for index in range(1, 13)]
        for name in COUNTS:
            assert sum(int(line[name]) for line in own) == row[name]
        for name in ("precision", "recall", "f1"):
            assert sum(float(line[name]) for line in own) / 12 == pytest.approx(row[name])
        assert sum(int(line["text_pixels"]) for line in own) == row["true_positive"] + row["false_negative"]
        assert all(int(line["height"]) > 0 and int(line["width"]) > 0 for line in own)


def test_several_segmenters_share_the_images_and_are_compared_with_the_first(rows, words, untrained):
    data = ["--data", f"words={words}", "--target", "text"]
    found = rows(*data, "--segmenter", f"poor={untrained}", "--segmenter", "good=mgnet-slim")
    assert [row["segmenter"] for row in found] == ["poor", "good"]
    assert sum(row["f1_top1_images"] for row in found) == found[0]["images"] == 40
    assert all(row["f1_top1_images"] == int(row["f1_top1_images"]) for row in found)
    assert found[0]["f1_gain"] == 0
    assert found[1]["f1_gain"] == pytest.approx(found[1]["f1"] - found[0]["f1"])
    assert 0 < found[1]["f1_gain_low"] < found[1]["f1_gain"] < found[1]["f1_gain_high"]


def test_each_pass_is_scored_and_the_guided_one_compared_with_the_other(rows, words, untrained, tmp_path):
    asked = ["--data", f"words={words}", "--target", "text", "--limit", "8"]
    first, second = rows(*asked, "--segmenter", f"net={untrained}", "--each-pass")
    assert [row["segmenter"] for row in (first, second)] == ["net pass 1", "net pass 2"]
    assert first["weights"] == second["weights"] == str(untrained)
    network = load_segmenter(untrained)
    network.passes = 1
    save_segmenter(tmp_path / "alone.safetensors", network)
    alone, guided = (
        rows(*asked, "--segmenter", f"x={file}")[0] for file in (tmp_path / "alone.safetensors", untrained)
    )
    assert [first[name] for name in COUNTS] == [alone[name] for name in COUNTS]
    assert [second[name] for name in COUNTS] == [guided[name] for name in COUNTS]
    assert second["f1_gain"] == pytest.approx(guided["f1"] - alone["f1"])
    assert second["f1_gain_low"] <= second["f1_gain"] <= second["f1_gain_high"]


def test_each_pass_is_refused_where_there_are_not_two(segrec, words, untrained, tmp_path):
    asked = ["eval-segmenter", "--data", f"words={words}", "--each-pass"]
    code, _, err = segrec(*asked, "--segmenter", f"a={untrained}", "--segmenter", f"b={untrained}")
    assert code == 1 and "--each-pass takes one --segmenter, got 2" in err
    save_segmenter(tmp_path / "alone.safetensors", MutuallyGuidedNet(width=2, working_height=16, passes=1))
    code, _, err = segrec(*asked, "--segmenter", tmp_path / "alone.safetensors")
    assert code == 1 and "was trained without guidance and has one pass; leave out --each-pass" in err


def test_scales_decide_how_scenes_are_seen_and_are_reported(segrec, rows, scenes, words, tmp_path):
    asked = ["--target", "text", "--limit", "1"]
    several, one = (rows("--data", f"scenes={scenes}", *asked, *scales)[0] for scales in ((), ("--scales", "1")))
    assert (several["scales"], one["scales"]) == ("auto", "1") and several["f1"] != one["f1"]
    (tmp_path / "recipe.toml").write_text('scales = "1, 64"')
    assert rows("--data", f"scenes={scenes}", *asked, "--config", tmp_path / "recipe.toml")[0]["scales"] == "1,64"
    of_words = [rows("--data", f"words={words}", *asked, "--scales", scales)[0] for scales in ("auto", "0.5")]
    assert [of_words[0][name] for name in COUNTS] == [of_words[1][name] for name in COUNTS]
    for scales, code, message in (("large", 2, "expected auto or numbers such as 1,0.5"), ("1.5", 1, "got 1.5")):
        outcome = segrec("eval-segmenter", "--data", f"scenes={scenes}", "--scales", scales)
        assert outcome.code == code and message in outcome.err


def test_a_tie_goes_to_the_first_or_is_split(rows, words):
    asked = ["--data", f"words={words}", "--target", "text", "--limit", "4"]
    twins = ["--segmenter", "a=mgnet-slim", "--segmenter", "b=mgnet-slim"]
    assert [row["f1_top1"] for row in rows(*asked, *twins)] == [1.0, 0.0]
    split = rows(*asked, *twins, "--ties", "split")
    assert [row["f1_top1"] for row in split] == [0.5, 0.5]
    assert (split[1]["f1_gain_low"], split[1]["f1_gain_high"]) == (0.0, 0.0)


def test_csv_and_markdown_show_the_rows_of_json(segrec, rows, words):
    asked = ["--data", f"words={words}", "--limit", "10", "--by-height"]
    expected = rows(*asked)
    code, out, _ = segrec("eval-segmenter", *asked, "--format", "csv")
    table = [row for row in csv.DictReader(io.StringIO(out)) if row["height"] == "all"]
    markdown = unaligned(segrec("eval-segmenter", *asked).out).splitlines()
    assert code == 0
    for wanted, from_csv, line in zip(expected, table, markdown[2:4], strict=True):
        assert {name: from_csv[name] for name in COUNTS} == {name: str(wanted[name]) for name in COUNTS}
        assert float(from_csv["f1"]) == wanted["f1"]
        assert line.startswith(f"| mgnet-slim | words | {wanted['target']} | 10 | {100 * wanted['precision']:.2f} |")
        assert sum(group["images"] for group in wanted["by_height"]) == 10
    assert any(line.startswith("| mgnet-slim | words | text | 16-23 |") for line in markdown)


def test_two_datasets_of_a_kind_are_told_apart_by_their_paths(rows, words, tmp_path):
    other = shutil.copytree(words, tmp_path / "other")
    found = rows("--data", f"words={words}", "--data", f"words={other}", "--limit", "2", "--target", "text")
    assert [row["data"] for row in found] == [f"words={words}", f"words={other}"]


def test_a_higher_threshold_calls_fewer_pixels_text(rows, words):
    asked = ["--data", f"words={words}", "--limit", "6", "--target", "text", "--threshold"]
    called = [rows(*asked, threshold)[0] for threshold in ("0", "0.3", "0.9")]
    pixels = [row["true_positive"] + row["false_positive"] for row in called]
    assert pixels == sorted(pixels, reverse=True) and len(set(pixels)) == 3
    assert called[0]["recall"] == 1


def test_an_unreadable_image_is_left_out_counted_and_ends_in_failure(segrec, scenes, tmp_path):
    damaged = shutil.copytree(scenes, tmp_path / "damaged")
    (damaged / "images" / "scene-000001.jpg").write_bytes(b"no picture")
    asked = ["--data", f"scenes={damaged}", "--rows", tmp_path / "rows.jsonl", "--format", "json", "--target", "text"]
    code, out, err = segrec("eval-segmenter", *asked)
    row = json.loads(out)["results"][0]
    assert code == 1 and (row["images"], row["skipped"], row["without_truth"]) == (1, 1, 0)
    assert "1 of 2 images of scenes cannot be read and are not scored, the first: " in err
    assert "scene-000001" in err.splitlines()[-1]
    scored = [json.loads(line)["image"] for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert scored == ["scene-000002"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--data", "nothing"], 1, "expected KIND=PATH or KIND:SPLIT=PATH, got 'nothing'"),
        (
            ["--data", "totaltext=."],
            1,
            "totaltext has several parts; say which one to score: totaltext:SPLIT=PATH with",
        ),
        (["--data", "words=absent"], 1, "absent"),
        (["--data", "words={words}", "--data", "words={words}"], 1, "is named twice; name every dataset once"),
        (["--data", "words={words}", "--rows", "rows.txt"], 1, "--rows writes .csv or .jsonl, got rows.txt"),
        (["--data", "words={words}", "--curves", "c.doc"], 1, "--curves writes .png, .svg, .pdf, got c.doc"),
        (["--data", "words={words}", "--rows", "/dev/null/r.csv"], 1, "choose another --rows"),
        (["--data", "words={words}", "--segmenter", "absent"], 1, "no weights at absent"),
        (["--data", "words={words}", "--segmenter", "crnn-slim"], 1, "not a segmenter"),
        (["--data", "words={words}", "--segmenter", "a=x", "--segmenter", "a=y"], 2, "write NAME=WEIGHTS"),
        (["--data", "words={words}", "--threshold", "1.5"], 2, "--threshold"),
        (["--data", "words={words}", "--target", "letters"], 2, "'text', 'region', 'both'"),
    ],
)
def test_mistakes_are_refused_before_anything_is_scored(segrec, words, monkeypatch, tmp_path, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    outcome = segrec("eval-segmenter", *(argument.replace("{words}", str(words)) for argument in arguments))
    assert outcome.code == code and not outcome.out
    assert message in outcome.err
    assert "Traceback" not in outcome.err and list(tmp_path.iterdir()) == []

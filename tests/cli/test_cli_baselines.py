"""The networks of the paper's comparison on the command line, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from segrec_process import fresh

from segmenter.choices import Model
from segmenter.loading import load_segmenter
from segrec.cli import main
from segrec.core.checkpoint import load_weights
from segrec.core.images import encode_png

TRAINABLE = get_args(Model)
BASELINES = [name for name in TRAINABLE if name != "mgnet"]
SMALL = ["--width", "4", "--word-batch", "4", "--scene-batch", "2", "--scene-side", "32", "--word-width", "48"]
SMALL += ["--workers", "0", "--device", "cpu", "--quiet"]


@pytest.fixture(scope="module")
def runs(words: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every network trained for two steps, one by a process of its own."""
    folder = tmp_path_factory.mktemp("baselines")
    for name in TRAINABLE:
        arguments = ["train", "segmenter", "--model", name, "--words", words, "--steps", "2", *SMALL]
        typed = [str(part) for part in (*arguments, "--output", folder / name)]
        assert (fresh(*typed, cwd=folder).code if name == "cenet" else main(typed)) == 0, name
    return {name: folder / name for name in TRAINABLE}


def test_every_network_is_trained_scored_and_compared(segrec, runs, words):
    named = [part for name, run in runs.items() for part in ("--segmenter", f"{name}={run}")]
    data = ["--data", f"words={words}", "--limit", "9", "--device", "cpu"]
    code, out, err = segrec("eval-segmenter", *named, "--segmenter", "mser-swt", *data, "--format", "json")
    assert code == 0, err
    rows = json.loads(out)["results"]
    text = {row["segmenter"]: row for row in rows if row["target"] == "text"}
    assert list(text) == [*TRAINABLE, "mser-swt"] and {row["images"] for row in text.values()} == {9}
    won = [row["f1_top1"] * row["images"] for row in text.values()]
    assert all(abs(count - round(count)) < 1e-9 for count in won) and round(sum(won)) == 9
    assert [row["segmenter"] for row in rows if row["target"] == "region"] == ["mgnet"], "the others know no regions"


def test_the_masks_of_any_network_are_computed_ahead_and_said_what_they_are_of(segrec, runs, words, tmp_path):
    for name, run in (("smanet", runs["smanet"]), ("mser-swt", "mser-swt")):
        store = tmp_path / name
        code, _, err = segrec("precompute-masks", "--data", words, "--segmenter", run, "--output", store,
                              "--limit", "7", "--workers", "0", "--device", "cpu")  # fmt: skip
        assert code == 0, err
        code, out, err = segrec("info", store)
        assert code == 0, out + err
    code, out, _ = segrec("info", runs["smanet"] / "best.safetensors")
    assert code == 0 and "smanet" in out


def test_a_network_without_regions_segments_text_alone(segrec, runs, tmp_path):
    picture = Path(__file__).parents[2] / "docs" / "images" / "word.png"
    code, out, err = segrec("segment", picture, "--segmenter", runs["unet"], "--output", tmp_path, "--device", "cpu")
    assert code == 0 and out.split() == [str(tmp_path / "word.text.png")], err


def test_a_branch_for_polygons_gives_a_network_regions(segrec, words, tmp_path):
    train = ["train", "segmenter", "--model", "segnet", "--polygon-branch", "--supervision", "both", "--words", words]
    code, _, err = segrec(*train, "--steps", "2", *SMALL, "--output", tmp_path / "run")
    assert code == 0, err
    assert load_segmenter(tmp_path / "run" / "best.safetensors").has_region
    code, out, err = segrec("eval-segmenter", "--segmenter", tmp_path / "run", "--data", f"words={words}",
                            "--limit", "5", "--format", "json", "--device", "cpu")  # fmt: skip
    assert code == 0 and {row["target"] for row in json.loads(out)["results"]} == {"text", "region"}, err


def test_polygons_as_text_train_the_text_head(segrec, words, tmp_path):
    """Exp-1: without pixel masks the head of a network that knows text alone learns from regions."""
    for name in ("region", "region-as-text"):
        plan = "name = '1', steps = 2, lr = 1e-2, phases = 1, lambda1 = 0, lambda2 = 0"
        stage = f"{{{plan}, supervision = '{name}'}}"
        train = ["train", "segmenter", "--model", "unet", "--words", words, "--stage", stage, *SMALL]
        assert segrec(*train, "--output", tmp_path / name).code == 0
    fresh = ["train", "segmenter", "--model", "unet", "--words", words, "--lr", "1e-12", "--steps", "1", *SMALL]
    assert segrec(*fresh, "--output", tmp_path / "fresh").code == 0
    heads = {n: load_weights(tmp_path / n / "last.safetensors")[0]["head.weight"]
             for n in ("fresh", "region", "region-as-text")}  # fmt: skip
    assert heads["region"].allclose(heads["fresh"], atol=1e-6), "regions alone teach such a network nothing"
    assert not heads["region-as-text"].allclose(heads["fresh"], atol=1e-4)


def test_one_seed_gives_the_same_weights_bit_for_bit(segrec, words, tmp_path):
    contents = []
    for name in ("one", "two"):
        train = ["train", "segmenter", "--model", "deeplab-v3", "--words", words, "--steps", "2", *SMALL]
        assert segrec(*train, "--output", tmp_path / name).code == 0  # its pyramid has dropout
        contents.append((tmp_path / name / "last.safetensors").read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stage", "{name = '2', steps = 1, lr = 1e-3}"], "stage 2: unet has no guided pass"),
        (["--gradient-checkpointing"], "--gradient-checkpointing is for mgnet; leave it out with unet"),
        (["--pretrained", "mgnet-slim"], "mgnet-slim is not a unet"),
    ],
)
def test_what_a_baseline_cannot_do_is_refused_in_one_line(segrec, words, tmp_path, options, said):
    train = ["train", "segmenter", "--model", "unet", "--words", words, *SMALL, *options]
    code, _, err = segrec(*train, "--output", tmp_path / "run")
    assert code == 1 and said in err and err.count("\n") == 1, err


def test_validation_by_regions_is_refused_for_a_network_that_knows_none(segrec, words, tmp_path):
    for folder, value in (("images", 200), ("regions", 255)):
        (tmp_path / "polygons" / folder).mkdir(parents=True)
        picture = np.full((20, 30), value, dtype=np.uint8)
        (tmp_path / "polygons" / folder / "a.png").write_bytes(encode_png(picture))
    train = ["train", "segmenter", "--model", "unet", "--words", words, "--steps", "1", *SMALL]
    train += ["--valid", f"folder={tmp_path / 'polygons'}"]
    code, _, err = segrec(*train, "--output", tmp_path / "run")
    assert code == 1 and "without pixel masks, and the network knows no regions" in err, err
    assert segrec(*train, "--polygon-branch", "--output", tmp_path / "branch").code == 0


def test_a_branch_on_a_network_that_has_one_is_refused(segrec, words, tmp_path):
    code, _, err = segrec("train", "segmenter", "--polygon-branch", "--words", words, "--output", tmp_path / "run")
    assert code == 1 and "mgnet learns from polygons as it is; leave out --polygon-branch" in err

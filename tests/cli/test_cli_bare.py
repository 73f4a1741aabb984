"""The three main commands work with nothing named, keep results and messages apart and tell how they ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segrec.cli.evaluate import command as eval_command
from segrec.cli.finetune import command as finetune_command
from segrec.data.masks.store import MaskStore
from segrec.jobs import demo_set, evaluate


@pytest.fixture
def empty_folder(tmp_path, monkeypatch) -> Path:
    """An empty current folder, a tiny demo set and a short fine-tuning."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo_set, "SIZES", {"train": 20, "test": 12})
    defaults = {"steps": 2, "batch_size": 4, "workers": 0}
    for option in finetune_command.params:
        if option.name in defaults:
            monkeypatch.setattr(option, "default", defaults[option.name])
    return tmp_path


def test_precompute_masks_runs_bare(segrec, empty_folder):
    code, out, err = segrec("precompute-masks")
    assert code == 0
    assert out == "segrec-demo/masks/train: 20 masks (20 new, 0 without an image)\n"
    assert "rendering the demo set: 20 words into segrec-demo/words/train" in err
    assert MaskStore("segrec-demo/masks/train").complete
    again = segrec("precompute-masks")
    assert again.code == 0 and "(0 new" in again.out and "rendering" not in again.err


def test_finetune_runs_bare_and_uses_the_masks_of_the_bare_precompute(segrec, empty_folder):
    assert segrec("precompute-masks").code == 0
    code, out, err = segrec("finetune", "crnn")
    run = Path("segrec-demo/runs/crnn-predicted")
    assert (code, out) == (0, f"{run}: done, weights in {run / 'best.safetensors'}\n")
    assert "fine-tuning cnn.conv0.weight, cnn.conv0.bias" in err
    assert {file.name for file in run.iterdir()} == {
        "run.json",
        "metrics.jsonl",
        "last.safetensors",
        "best.safetensors",
        "state.pt",
    }


def test_finetune_runs_bare_without_masks_made_before(segrec, empty_folder):
    assert segrec("finetune", "crnn").code == 0
    assert MaskStore("segrec-demo/masks/train").complete


def test_eval_runs_bare_on_every_kind_of_mask_that_the_demo_set_has(segrec, empty_folder):
    code, out, err = segrec("eval")
    assert code == 0
    rows = [line.split("|") for line in out.splitlines() if line.startswith("|")][2:]
    assert [row[1].strip() for row in rows] == ["demo-test"] * 4
    assert [row[2].strip() for row in rows] == ["none", "random", "predicted", "oracle"]
    assert "rendering the demo set: 12 words into segrec-demo/words/test" in err


def test_the_demo_runs_after_the_bare_commands_without_touching_their_run(segrec, empty_folder):
    for command in (["precompute-masks"], ["finetune", "crnn"], ["finetune", "crnn", "--mask", "random"]):
        assert segrec(*command).code == 0
    before = Path("segrec-demo/runs/crnn-predicted/state.pt").read_bytes()
    assert segrec("demo").code == 0
    assert Path("segrec-demo/runs/crnn-predicted/state.pt").read_bytes() == before


@pytest.mark.parametrize("command", [["precompute-masks"], ["finetune", "crnn"], ["eval"]])
def test_quiet_silences_stderr_but_not_the_result(segrec, empty_folder, command):
    code, out, err = segrec(*command, "--quiet")
    assert (code, err) == (0, "")
    assert out


def test_a_demo_set_that_was_cut_short_while_its_masks_were_written_is_rendered_again(segrec, empty_folder):
    assert segrec("eval", "--mask", "oracle").code == 0
    shard = Path("segrec-demo/words/test/oracle/shard-00001-of-00001/data.mdb")
    whole = shard.read_bytes()
    shard.unlink()
    code, _, err = segrec("eval", "--mask", "oracle")
    assert code == 0 and "rendering the demo set" in err
    assert shard.read_bytes() == whole


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Usage"),
        (["precompute"], "No such command 'precompute'"),
        (["eval", "--maks", "none"], "No such option"),
        (["eval", "--mask", "purple"], "unknown mask 'purple'; use some of none, random, zero, predicted, oracle"),
        (["eval", "--data", "name="], "expected NAME=PATH, got 'name='"),
        (["eval", "--data", "a=x", "--data", "a=y"], "two databases have the same name"),
        (["finetune"], "Missing argument"),
        (["finetune", "crnn", "--steps", "0"], "0 is not in the range"),
        (["precompute-masks", "--shard", "3/2"], "expected I/N with 1 <= I <= N, or auto, got '3/2'"),
        (["precompute-masks", "--engine", "magic"], "'magic' is not one of 'local', 'ray'"),
    ],
)
def test_wrong_usage_exits_2_and_says_so_on_stderr(segrec, empty_folder, arguments, words):
    code, out, err = segrec(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert list(empty_folder.iterdir()) == []


def test_an_error_of_the_input_exits_1_in_one_line(segrec, empty_folder):
    code, out, err = segrec("eval", "--data", "a=nowhere", "--mask", "none")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1 and err.startswith("segrec: ") and "nowhere does not exist" in err


def test_an_interrupt_exits_130_and_says_that_the_command_can_be_repeated(segrec, empty_folder, words, monkeypatch):
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "score_words", interrupted)
    code, out, err = segrec("eval", "--data", f"w={words}", "--mask", "none")
    assert (code, out) == (130, "")
    assert err.strip() == "segrec: interrupted; run the same command again to go on"


def test_a_recipe_sets_options_by_the_names_they_have_on_the_command_line(segrec, empty_folder, words):
    recipe = empty_folder / "recipe.toml"
    recipe.write_text(f'data = ["w={words}"]\nmask = "none"\nformat = "json"\nlimit = 3\nquiet = true\n')
    code, out, err = segrec("eval", "--config", recipe)
    assert (code, err) == (0, "")
    assert [row["words"] for row in json.loads(out)["results"]] == [3]
    assert json.loads(segrec("eval", "--config", recipe, "--limit", "2").out)["results"][0]["words"] == 2
    assert {option.name for option in eval_command.params} >= {"output_format", "limit"}
    recipe.write_text(f'data = ["w={words}"]\nmask = "none"\nlimit = 3\noutput = "{empty_folder}/table.md"\n')
    code, out, err = segrec("eval", "--config", recipe)
    assert code == 0 and (empty_folder / "table.md").exists(), err

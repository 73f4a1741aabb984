"""Settings that cannot work are refused in one line before anything is written; those that should not matter do not."""

from __future__ import annotations

import click
import numpy as np
import pytest
from cli_words import contents, copy_words
from click.testing import CliRunner

from segrec.cli.common import common_options
from segrec.data.masks.shard_state import add_digests
from segrec.data.masks.store import MaskStore

TUNE = ["finetune", "crnn", "--mask", "zero", "--data", "{words}", "--output", "{output}"]
TRAIN = ["train", "crnn", "--data", "{words}", "--output", "{output}"]
SEGMENTER = ["train", "segmenter", "--words", "{words}", "--output", "{output}"]
PREDICT = ["precompute-masks", "--data", "{words}", "--output", "{output}"]
EVAL = ["eval", "--data", "w={words}"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        *[([*command, "--device", "warp"], "unknown device 'warp'") for command in (TUNE, TRAIN, PREDICT, EVAL)],
        *[([*command, "--device", "cuda:99"], "CUDA devices") for command in (TUNE, SEGMENTER, PREDICT, EVAL)],
        *[
            ([*command, "--device", "cpu", "--amp", "fp16"], "amp fp16 needs a GPU")
            for command in (TUNE, TRAIN, SEGMENTER, PREDICT, EVAL)
        ],
        *[
            ([*command, "--lr", rate], "learning rate")
            for command in (TUNE, TRAIN, SEGMENTER)
            for rate in ("nan", "-1")
        ],
        ([*TRAIN, "--valid", "{missing}"], "does not exist"),
        ([*SEGMENTER, "--valid", "{missing}"], "does not exist"),
        ([*SEGMENTER, "--valid", "{plain}"], "has no exact masks"),
        ([*SEGMENTER, "--words", "{plain}"], "has no exact masks"),
        ([*SEGMENTER, "--scenes", "{missing}"], "cannot read"),
        ([*SEGMENTER, "--working-height", "20"], "--working-height must be a multiple of 16"),
        ([*SEGMENTER, "--working-height", "112", "--crf-backend", "exact"], "exact takes windows of at most 96x96"),
        ([*SEGMENTER, "--lambda1", "nan"], "must not be negative, nor infinite"),
        ([*SEGMENTER, "--valid", "totaltext={missing}"], "totaltext:SPLIT=PATH with train, test"),
        ([*TUNE, "--data", "{missing}"], "does not exist"),
        ([*TUNE, "--mask", "oracle", "--data", "{plain}"], "has no exact masks"),
        ([*TUNE, "--mask", "none", "--pretrained", "crnn-slim-zero"], "has a mask channel already"),
        ([*TUNE, "--masks", "{masks}"], "--mask zero reads no store"),
        ([*TUNE, "--mask", "predicted", "--data", "{words}", "--masks", "{masks}"], "got 1 for 2"),
        ([*TUNE, "--resume", "{missing}"], "holds no run to resume"),
        ([*EVAL, "--mask", "oracle", "--data", "p={plain}"], "has no exact masks"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)
def test_a_setting_that_cannot_work_is_one_line(segrec, words, masks, tmp_path, arguments, said):
    plain = copy_words(words, tmp_path / "plain", 3)
    places = {"words": words, "masks": masks, "plain": plain, "missing": tmp_path / "missing"}
    places["output"] = tmp_path / "output"
    code, out, err = segrec(*[part.format(**places) for part in arguments])
    lines = [line for line in err.splitlines() if not line.startswith("fine-tuning ")]
    assert (code, out) == (1, "") and len(lines) == 1 and said in lines[0], err
    assert set(contents(tmp_path / "output")) <= {"run.json"}


def test_shards_in_any_order_make_the_same_masks_as_one_run(segrec, words, masks, tmp_path, monkeypatch):
    asked = ["--data", words, "--output", tmp_path / "store", "--device", "cpu"]
    evaluation = ["--data", f"w={words}", "--masks", f"w={tmp_path / 'store'}", "--mask", "predicted", "--limit", "4"]
    assert segrec("precompute-masks", *asked, "--shard", "2/3").code == 0
    refused = segrec("eval", *evaluation)
    assert refused.code == 1
    assert "13 of 40 masks, shard 1/3 lacks masks 1..13, shard 3/3 lacks masks 27..40; run segrec" in refused.err
    for shard, variables in {
        "1/3": {"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_MIN": "5", "SLURM_ARRAY_TASK_MAX": "7"},
        "3/3": {"RANK": "2", "WORLD_SIZE": "3", "LOCAL_RANK": "2"},
    }.items():
        with monkeypatch.context() as environment:
            for name, value in variables.items():
                environment.setenv(name, value)
            outcome = segrec("precompute-masks", *asked)
        assert outcome.code == 0 and f"shard {shard} of " in outcome.err
    store, whole = MaskStore(tmp_path / "store"), MaskStore(masks)
    assert all(np.array_equal(store[position], whole[position]) for position in range(len(whole)))
    assert add_digests(shard.digest for shard in store.shards) == whole.shards[0].digest
    assert segrec("eval", *evaluation).code == 0


def test_the_number_of_workers_changes_no_byte(segrec, words, masks, tmp_path):
    for workers in ("0", "3"):
        asked = ["--data", words, "--output", tmp_path / workers, "--workers", workers, "--device", "cpu"]
        assert segrec("precompute-masks", *asked).code == 0
        assert contents(tmp_path / workers) == contents(masks)
    run = ["--data", words, "--masks", masks, "--steps", "2", "--batch-size", "4", "--augment", "--device", "cpu"]
    for workers in ("0", "2"):
        output = ["--output", tmp_path / f"run{workers}", "--workers", workers]
        assert segrec("finetune", "crnn", *run, *output).code == 0
    first, second = ((tmp_path / f"run{workers}" / "best.safetensors").read_bytes() for workers in "02")
    assert first == second


def test_the_source_database_is_never_written(segrec, words, tmp_path):
    data = copy_words(words, tmp_path / "words", 6)
    before = contents(data)
    run = ["--output", tmp_path / "run", "--steps", "1", "--batch-size", "4"]
    assert segrec("precompute-masks", "--data", data).code == 0
    assert segrec("finetune", "crnn", "--data", data, *run).code == 0
    assert segrec("eval", "--data", f"w={data}").code == 0
    assert segrec("info", data).code == 0
    assert contents(data) == before
    assert MaskStore(f"{data}-masks").complete


def test_a_recipe_names_an_option_by_its_long_names_wherever_the_short_one_stands(tmp_path):
    @click.command()
    @click.option("-t", "--text", "--words")
    @common_options(seed=False, device=False)
    def command(text: str | None) -> None:
        click.echo(f"got {text}")

    for name in ("text", "words"):
        (tmp_path / "recipe.toml").write_text(f'{name} = "a"')
        assert CliRunner().invoke(command, ["--config", str(tmp_path / "recipe.toml")]).output == "got a\n"
    (tmp_path / "recipe.toml").write_text('t = "a"')
    outcome = CliRunner().invoke(command, ["--config", str(tmp_path / "recipe.toml")])
    assert outcome.exit_code == 2 and "unknown key 't'; " in outcome.output

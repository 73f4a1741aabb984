"""Two processes that train and fine-tune recognizers together, against one alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from cli_words import copy_words
from forked import ranks
from segrec_process import Outcome
from several_commands import run_all
from tiny_recognizers import tiny_aster, use_tiny_presets

from recognizers import ALNUM36, save_recognizer
from segrec.cli import main
from segrec.core.checkpoint import load_weights

QUICK = ["--steps", "3", "--batch-size", "4", "--device", "cpu", "--workers", "0", "--optimizer", "adadelta"]


def commands(folder: Path, words: Path, runs: Path) -> dict[str, list[str]]:
    """Return the command that makes each run."""
    data = ["--data", str(words), "--valid", str(words), "--valid-limit", "3", "--evaluate-every", "2", *QUICK]
    plain = str(folder / "plain.safetensors")
    return {
        "crnn": ["train", "crnn", *data, "--no-augment", "--output", str(runs / "crnn")],
        "aster": ["train", "aster", *data, "--bidirectional", "--ema", "0.5", "--output", str(runs / "aster")],
        "tuned": ["finetune", "aster", *data, "--pretrained", plain, "--train", "all", "--output", str(runs / "tuned")],
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory, words) -> tuple[Path, Outcome]:
    """A folder with the runs of `one` process and of `two`, and what the two said."""
    folder = tmp_path_factory.mktemp("together")
    few = copy_words(words, folder / "words", 11, labels=["!", *["word"] * 10])  # processes have shares of unequal size
    torch.manual_seed(0)
    save_recognizer(folder / "plain.safetensors", tiny_aster(ALNUM36.with_kind("aster")))
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_presets(patch)
        assert [main(command) for command in commands(folder, few, folder / "one").values()] == [0, 0, 0]
    processes = ranks(run_all, list(commands(folder, few, folder / "two").values()), folder=folder)
    for process in processes:
        assert process.join() == 0, process.errors.read_text()
    said = ["".join(file.read_text() for file in sorted(folder.glob(f"{name}-*"))) for name in ("out", "err")]
    return folder, Outcome(0, *said)


@pytest.mark.parametrize("name", ["crnn", "aster", "tuned"])
def test_two_processes_train_the_weights_of_one(trained, name):
    folder, _ = trained
    for file in ("last.safetensors", "best.safetensors"):
        one, two = (load_weights(folder / runs / name / file)[0] for runs in ("one", "two"))
        torch.testing.assert_close(two, one, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["crnn", "aster", "tuned"])
def test_two_processes_log_the_losses_counts_and_scores_of_one(trained, name):
    folder, _ = trained
    one, two = (
        [json.loads(line) for line in (folder / runs / name / "metrics.jsonl").read_text().splitlines()]
        for runs in ("one", "two")
    )
    assert any(row.get("skipped") for row in one)
    for single, shared in zip(one, two, strict=True):
        assert shared == pytest.approx(single, rel=1e-3, abs=1e-5)


def test_only_the_main_process_reports(trained):
    _, said = trained
    assert said.out.count("done, weights in") == 3
    assert said.err.count("while training: empty label") == 3

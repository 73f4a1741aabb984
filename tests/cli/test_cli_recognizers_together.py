"""Two processes that train and fine-tune recognizers together, against one alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_words import copy_words
from forked import ranks
from segrec_process import Outcome
from several_commands import run_all
from tiny_recognizers import tiny_aster, tiny_crnn, use_tiny_presets

from recognizers import ALNUM36, save_recognizer
from segrec.cli import main
from segrec.core.checkpoint import load_weights
from segrec.data.recognition import LoadedBatch, RecognitionSample, collate
from segrec.jobs.recognizer_loss import CountedLoss
from segrec.training import distributed
from segrec.training.distributed import ALONE, World, launched

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
    assert any(row.get("left_out") for row in one)
    for single, shared in zip(one, two, strict=True):
        assert shared.pop("left_out", {}) == single.pop("left_out", {})
        assert shared == pytest.approx(single, rel=1e-3, abs=1e-5)


def test_only_the_main_process_reports(trained):
    _, said = trained
    assert said.out.count("done, weights in") == 3
    assert said.err.count("while training: empty label") == 3


def shares(architecture: str, rank: int) -> LoadedBatch:
    """Return two words for rank 0 and none for the other, whose words cannot be used."""
    if rank:
        return collate(["empty label", "empty label"])
    channels, width = (1, 100) if architecture == "crnn" else (3, 64)
    pictures = np.random.default_rng(0).integers(0, 256, (2, channels, 32, width), dtype=np.uint8)
    return collate([RecognitionSample(picture, [1 + number, 3]) for number, picture in enumerate(pictures)])


def one_step(architecture: str, world: World) -> dict[str, Any]:
    """Return the logged terms and the gradients of one step."""
    torch.manual_seed(0)
    charset = ALNUM36 if architecture == "crnn" else ALNUM36.with_kind("aster")
    model = {"crnn": tiny_crnn, "aster": tiny_aster}[architecture](charset).train()
    network = distributed.shared(model, world)  # must outlive the backward pass, in which it averages the gradients
    loss, batch = CountedLoss(model, world, "off"), shares(architecture, world.rank)
    terms = loss(network, batch)
    terms["loss"].backward()
    logged = world.sum({name: float(term.detach()) for name, term in terms.items()})
    buffers = {name: buffer for name, buffer in model.named_buffers() if "running" in name}
    counts = world.sum(loss.left_out(batch))
    gradients = {name: tensor.grad for name, tensor in model.named_parameters()}
    return {"logged": logged, "counts": counts, **gradients, **buffers}


def step_with_nothing(folder: Path) -> None:
    """Be one of two processes of which the second has no usable word."""
    with launched("cpu") as world:
        done = {architecture: one_step(architecture, world) for architecture in ("crnn", "aster")}
        torch.save(done, folder / f"rank-{world.rank}.pt")


def test_a_process_without_a_usable_word_leaves_the_step_to_the_others(tmp_path):
    for process in ranks(step_with_nothing, tmp_path, folder=tmp_path):
        assert process.join() == 0, process.errors.read_text()
    for rank in (0, 1):
        together = torch.load(tmp_path / f"rank-{rank}.pt")
        for architecture, done in together.items():
            single, logged, counts = one_step(architecture, ALONE), done.pop("logged"), done.pop("counts")
            assert logged["loss"] / 2 == pytest.approx(single.pop("logged")["loss"], rel=1e-5)
            assert counts["empty label"] == 2 and single.pop("counts")["empty label"] == 0
            torch.testing.assert_close(done, single, rtol=1e-4, atol=1e-6)

"""`segrec finetune --mask-lr --colour-lr`: what moves how far, also over an interruption."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_recognizers import tiny_crnn

from recognizers import ALNUM36, save_recognizer, widen_input
from segrec.core.checkpoint import load_weights

COLOUR, MASK = slice(0, 3), slice(3, 4)


@pytest.fixture
def finetune(segrec, words, masks, tmp_path):
    """Fine-tunes a tiny CRNN for a few steps; returns the outcome and the run directory."""
    torch.manual_seed(0)
    save_recognizer(tmp_path / "plain.safetensors", tiny_crnn(ALNUM36))

    def run(*arguments: str | Path, output: str = "run", stored: bool = True):
        given = ["--data", words, "--output", tmp_path / output, "--device", "cpu", "--workers", "0"]
        quick = ["--steps", "4", "--batch-size", "4", "--pretrained", tmp_path / "plain.safetensors"]
        store = ["--masks", masks] if stored else []
        return segrec("finetune", "crnn", *given, *store, *quick, *arguments), tmp_path / output

    return run


def tensors(run: Path) -> dict[str, torch.Tensor]:
    return load_weights(run / "best.safetensors")[0]


def start() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return widen_input(tiny_crnn(ALNUM36), "zero-mask").state_dict()


@pytest.mark.parametrize("train", ["input", "all"])
def test_colours_frozen_keep_their_bytes_while_the_mask_learns(finetune, train):
    outcome, run = finetune("--colour-lr", "0", "--train", train, "--ema", "0.9")
    assert outcome.code == 0, outcome.err
    after, before = tensors(run), start()
    assert torch.equal(after["cnn.conv0.weight"][:, COLOUR], before["cnn.conv0.weight"][:, COLOUR])
    assert torch.equal(after["cnn.conv0.bias"], before["cnn.conv0.bias"])
    assert after["cnn.conv0.weight"][:, MASK].abs().min() > 0
    others = {
        name for name in before if not name.startswith("cnn.conv0") and not torch.equal(after[name], before[name])
    }
    assert bool(others) == (train == "all")


def test_the_mask_moves_at_its_rate_and_the_colours_at_the_runs(finetune):
    moved = {}
    for rate in ("0.001", "0.02"):
        outcome, run = finetune("--steps", "1", "--mask-lr", rate, output=f"run-{rate}")
        assert outcome.code == 0, outcome.err
        moved[rate] = tensors(run)["cnn.conv0.weight"] - start()["cnn.conv0.weight"]
    torch.testing.assert_close(moved["0.001"][:, COLOUR], moved["0.02"][:, COLOUR], rtol=0, atol=1e-7)
    torch.testing.assert_close(moved["0.02"][:, MASK], moved["0.001"][:, MASK] * 20, rtol=1e-4, atol=1e-6)
    assert moved["0.02"][:, MASK].abs().mean() == pytest.approx(0.02, rel=0.1)  # Adam's first step is the rate


@pytest.mark.parametrize("options", [("--train", "all"), ("--fusion", "adapter", "--mask-dropout", "0.5")])
def test_a_run_that_stopped_and_went_on_ends_with_the_bytes_of_one_that_did_not(finetune, monkeypatch, options):
    from segrec.training import progress

    options = (*options, "--ema", "0.9", "--norms", "reestimate", "--checkpoint-every", "1")
    whole = finetune(*options, output="whole")[1]
    checkpoint = progress.Progress.checkpoint

    def stop_after_two(self):
        checkpoint(self)
        if self.step == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(progress.Progress, "checkpoint", stop_after_two)
        assert finetune(*options)[0].code == 130
    outcome, run = finetune(*options)
    assert outcome.code == 0 and "at step 2" in outcome.err
    for name in ("best.safetensors", "last.safetensors", "metrics.jsonl"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fusion", "sft", "--mask", "zero", "--colour-lr", "1"], "keeps the colours' weights; use --train all"),
        (["--mask-lr", "0"], "--mask-lr must be positive and finite, got 0.0; for no mask use --mask zero or none"),
        (["--colour-lr", "-1"], "--colour-lr must be 0 or more and finite, got -1.0; 0 leaves the colours"),
        (["--mask", "none", "--mask-lr", "1"], "--mask-lr needs a mask; choose another --mask than none"),
        (["--mask", "none", "--colour-lr", "0"], "leaves nothing to train; choose a --mask or --train all"),
    ],
)
def test_rates_that_train_nothing_are_refused_in_one_line(finetune, options, said):
    outcome, run = finetune(*options, stored=False)
    assert outcome.code == 1 and outcome.err.count("\n") == 1 and said in outcome.err, outcome.err
    assert not run.exists()

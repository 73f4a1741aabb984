"""`segrec finetune --fusion --norms --seeds`: what trains, what stays, what is written where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from cli_words import contents
from tiny_recognizers import tiny_aster, tiny_crnn, tiny_trba

from recognizers import ALNUM36, load_pretrained, save_recognizer
from segrec.core.checkpoint import load_weights

PLAIN = {"crnn": lambda: tiny_crnn(ALNUM36), "aster": lambda: tiny_aster(ALNUM36.with_kind("aster"), True)}


@pytest.fixture
def finetune(segrec, words, masks, tmp_path):
    """Fine-tunes a tiny network for a few steps; returns the outcome and the run directory."""

    def run(*arguments: str | Path, architecture: str = "crnn", output: str = "run", store: bool = True, plain=None):
        torch.manual_seed(0)
        file = tmp_path / f"{architecture}.safetensors"
        save_recognizer(file, (plain or PLAIN[architecture])())
        given = ["--data", words, "--output", tmp_path / output, "--device", "cpu", "--workers", "0"]
        given += ["--masks", masks] if store else []
        quick = ["--steps", "3", "--batch-size", "4", "--pretrained", file, *arguments]
        return segrec("finetune", architecture, *given, *quick), tmp_path / output

    return run


def changed(run: Path, plain: Path) -> set[str]:
    """Return which tensors differ from the plain network's; the fusion's count as changed."""
    before, after = load_weights(plain)[0], load_weights(run / "best.safetensors")[0]
    assert set(before) <= set(after)
    return {name for name in after if name not in before or not torch.equal(before[name], after[name])}


@pytest.mark.parametrize(
    ("architecture", "fusion"),
    [(architecture, fusion) for architecture in ("crnn", "aster") for fusion in ("adapter", "sft", "stream")],
)
def test_training_the_input_changes_the_fusion_alone_and_the_run_can_be_evaluated(
    finetune, segrec, words, masks, tmp_path, architecture, fusion
):
    outcome, run = finetune("--fusion", fusion, architecture=architecture)
    assert outcome.code == 0, outcome.err
    names = changed(run, tmp_path / f"{architecture}.safetensors")
    assert names and all(".fusion." in name for name in names)
    scored = segrec("eval", "--model", run, "--data", f"w={words}", "--mask", "zero", "--limit", "4")
    assert scored.code == 0, scored.err


def test_a_stream_where_it_cannot_be_is_refused_in_one_line(finetune):
    outcome, run = finetune("--fusion", "stream", architecture="aster", plain=tiny_trba)
    assert outcome.code == 1 and outcome.err.count("\n") == 1 and not run.exists()
    assert "cannot be widened with --fusion stream: fusion 'stream' needs" in outcome.err


def test_the_control_without_a_mask_trains_the_same_adapter(finetune, tmp_path):
    outcome, run = finetune("--fusion", "adapter", "--mask", "zero", store=False)
    assert outcome.code == 0, outcome.err
    after = load_weights(run / "best.safetensors")[0]
    assert after["cnn.conv0.fusion.4.weight"].abs().max() > 0, "it learns from the picture"


def test_a_fused_run_goes_on_by_its_own_fusion_only(finetune):
    _, first = finetune("--fusion", "adapter", output="first")
    outcome, _ = finetune("--pretrained", first)
    assert outcome.code == 1 and outcome.err.count("\n") == 1 and "give --fusion adapter" in outcome.err
    assert finetune("--pretrained", first, "--fusion", "adapter", "--train", "all")[0].code == 0


@pytest.mark.parametrize(
    ("norms", "train", "moves"),
    [
        ("frozen", "all", False),
        ("train", "all", True),
        ("train", "input", True),
        ("reestimate", "input", True),
        ("reestimate", "all", True),
    ],
)
def test_statistics_of_norms_do_as_told(finetune, tmp_path, norms, train, moves):
    outcome, run = finetune("--norms", norms, "--train", train, "--checkpoint-every", "1")
    assert outcome.code == 0, outcome.err
    names = changed(run, tmp_path / "crnn.safetensors")
    assert ("cnn.batchnorm2.running_mean" in names) == moves
    assert ("cnn.batchnorm2.weight" in names) == (train == "all")
    if norms == "reestimate":
        kept = load_weights(run / "last.safetensors")[0]["cnn.batchnorm2.running_mean"]
        assert torch.equal(kept, load_weights(tmp_path / "crnn.safetensors")[0]["cnn.batchnorm2.running_mean"])


def test_estimating_statistics_again_changes_nothing(finetune):
    _, run = finetune("--norms", "reestimate", "--augment")
    before = contents(run)
    assert finetune("--norms", "reestimate", "--augment")[0].code == 0
    assert contents(run) == before


def test_several_seeds_are_runs_beside_each_other_with_masks_predicted_once(finetune, tmp_path):
    outcome, group = finetune("--seeds", "2", "--seed", "3", store=False)
    assert outcome.code == 0, outcome.err
    assert {path.name for path in group.iterdir()} == {"masks-0", "seed-3", "seed-4"}
    assert len(re.findall("predicting the masks", outcome.err)) >= 1
    first, second = ((group / f"seed-{seed}" / "best.safetensors").read_bytes() for seed in (3, 4))
    assert first != second
    assert re.findall(r"(seed-\d): done", outcome.out) == ["seed-3", "seed-4"]
    alone, run = finetune("--seed", "4", "--masks", group / "masks-0", output="alone", store=False)
    assert alone.code == 0 and (run / "best.safetensors").read_bytes() == second
    before = contents(group)
    more, _ = finetune("--seeds", "3", "--seed", "3", store=False)
    assert more.code == 0 and (group / "seed-5" / "best.safetensors").exists()
    assert {name: data for name, data in contents(group).items() if "seed-5" not in str(name)} == before


def test_a_fused_network_is_loaded_as_it_was_trained(finetune):
    outcome, run = finetune("--fusion", "sft", "--train", "all", "--mask-dropout", "0.5")
    assert outcome.code == 0, outcome.err
    model = load_pretrained(run / "best.safetensors")
    assert model.config()["fusion"] == "sft" and model.input_spec.mask

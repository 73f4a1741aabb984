"""`segrec finetune aster`: which layers change, which weights are taken, and how a validation set chooses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny_recognizers import tiny_aster, tiny_crnn

from recognizers import ALNUM36, load_pretrained, save_recognizer
from segrec.core.checkpoint import load_weights, read_header
from segrec.data.masks.store import MaskStore

BACKBONE = {"encoder.layer0.0.weight"}
LOCALISER = {"stn_head.stn_convnet.0.0.weight", "stn_head.stn_convnet.0.0.bias"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """The weights of a tiny ASTER with two decoders."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "plain.safetensors"
    model = tiny_aster(ALNUM36.with_kind("aster"), True)
    torch.nn.init.normal_(model.stn_head.stn_fc2.weight, std=0.05)  # fresh, it hands no gradient on
    save_recognizer(path, model)
    return path


@pytest.fixture
def finetune(segrec, words, tmp_path, plain):
    """Fine-tunes for a few steps of a few words; returns the outcome and the run directory."""

    def run(*arguments: str | Path, architecture: str = "aster", output: str = "run"):
        given = ["--data", words, "--output", tmp_path / output, "--device", "cpu", "--workers", "0"]
        quick = ["--steps", "3", "--batch-size", "4", "--pretrained", plain, "--mask", "oracle"]
        return segrec("finetune", architecture, *given, *quick, *arguments), tmp_path / output

    return run


def changed(run: Path, plain: Path) -> set[str]:
    before, after = load_weights(plain)[0], load_weights(run / "best.safetensors")[0]
    assert set(after) == set(before)
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("init", ["random", "zero-mask"])
def test_training_the_input_leaves_every_other_tensor_bit_identical(finetune, plain, init):
    outcome, run = finetune("--train", "input", "--init", init)
    assert outcome.code == 0, outcome.err
    assert changed(run, plain) == BACKBONE  # BatchNorm's statistics are among the tensors that stay
    assert load_weights(run / "best.safetensors")[0]["encoder.layer0.0.weight"].shape[1] == 4


def test_a_mask_in_the_rectifier_trains_the_localisers_input_too(finetune, plain):
    outcome, run = finetune("--mask-in-rectifier")
    assert outcome.code == 0, outcome.err
    assert changed(run, plain) == BACKBONE | LOCALISER
    assert load_pretrained(run / "best.safetensors").mask_in_rectifier


def test_training_all_changes_both_decoders_and_the_statistics(finetune, plain):
    outcome, run = finetune("--train", "all", "--optimizer", "adamw", "--schedule", "onecycle", "--augment")
    assert outcome.code == 0, outcome.err
    expected = {"decoder.decoder.fc.weight", "backward_decoder.decoder.fc.weight", "encoder.layer0.1.running_mean"}
    assert expected <= changed(run, plain)


def test_validation_words_choose_the_best_weights_with_masks_of_their_kind(finetune, segrec, words, masks):
    valid = ["--mask", "predicted", "--masks", masks, "--valid", words, "--valid-limit", "5", "--evaluate-every", "2"]
    outcome, run = finetune(*valid)
    assert outcome.code == 0, outcome.err
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "accuracy" in row] == [2, 3]
    assert f"no --valid-masks named: predicting the masks of {words} into {run / 'masks-valid'} first" in outcome.err
    assert MaskStore(run / "masks-valid").record.span == (1, 5)
    named, other = finetune(*valid, "--valid-masks", masks, output="other")
    assert named.code == 0 and not (other / "masks-valid").exists()
    assert read_header(run / "best.safetensors").notes["mask"] == "predicted"


@pytest.mark.parametrize(
    ("architecture", "options", "said"),
    [
        ("crnn", [], "plain.safetensors is a aster; run segrec finetune aster"),
        ("aster", ["--pretrained", "crnn-slim"], "is a crnn; run segrec finetune crnn"),
        ("crnn", ["--pretrained", "crnn-slim", "--mask-in-rectifier"], "CRNN has no rectifier"),
        ("aster", ["--mask", "none", "--mask-in-rectifier"], "--mask-in-rectifier needs a mask"),
        ("aster", ["--valid-masks", "masks"], "--valid-masks are of validation words: name those with --valid"),
        ("aster", ["--mask", "zero", "--valid", "w", "--valid-masks", "m"], "--valid-masks was given, but --mask zero"),
        ("aster", ["--patience", "1"], "name them with --valid"),
    ],
)
def test_weights_and_settings_that_do_not_go_together_are_refused_in_one_line(finetune, architecture, options, said):
    outcome, run = finetune(*options, architecture=architecture)
    assert outcome.code == 1 and outcome.err.count("\n") == 1 and said in outcome.err, outcome.err
    assert not run.exists()


@pytest.mark.parametrize(("command", "weights"), [("crnn", "vgg-bilstm-ctc"), ("aster", "trba")])
def test_the_commands_take_the_networks_of_the_benchmark_too(finetune, tmp_path, command, weights):
    from recognizers.dtrb import Trba, VggBiLstmCtc

    torch.manual_seed(0)
    trba, vgg = {"widths": (4, 4, 4, 4, 8, 8), "localiser_widths": (4, 4, 8, 8)}, {"widths": (4, 4, 4, 4, 8, 8, 8)}
    model = Trba(**trba, hidden=8) if weights == "trba" else VggBiLstmCtc(**vgg, hidden=8)
    save_recognizer(tmp_path / "weights.safetensors", model)
    outcome, run = finetune("--pretrained", tmp_path / "weights.safetensors", "--steps", "1", architecture=command)
    assert outcome.code == 0, outcome.err
    assert load_pretrained(run / "best.safetensors").architecture == weights
    assert {name.rpartition(".")[0] for name in changed(run, tmp_path / "weights.safetensors")} == {model.input_layer}


def test_several_processes_do_not_make_the_demo_set_together(segrec, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    code, _, err = segrec("finetune", "crnn")
    assert code == 1 and "several processes cannot make the demo set together; name words with --data" in err
    assert not list(tmp_path.iterdir())


def test_a_tiny_crnn_of_a_run_can_be_fine_tuned_with_its_mask(finetune, tmp_path):
    save_recognizer(tmp_path / "tiny.safetensors", tiny_crnn(ALNUM36))
    for pretrained, output in ((tmp_path / "tiny.safetensors", "first"), (tmp_path / "first", "second")):
        outcome, run = finetune("--pretrained", pretrained, architecture="crnn", output=output)
        assert outcome.code == 0, outcome.err
    assert changed(run, tmp_path / "first" / "best.safetensors") == {"cnn.conv0.weight", "cnn.conv0.bias"}

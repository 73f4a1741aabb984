"""What fine-tuning changes, what it leaves alone and what it refuses."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from cli_words import contents, copy_words

from recognizers import CRNN, load_pretrained
from recognizers.loading import save_recognizer
from recognizers.preprocess import InputSpec
from segrec.core.checkpoint import load_weights, read_header
from segrec.data.masks.store import MaskStore
from segrec.weights import PLAIN, resolve_weights

INPUT = {"cnn.conv0.weight", "cnn.conv0.bias"}
WIDTHS, HIDDEN = (4, 6, 8, 8, 10, 10, 12), 8


@pytest.fixture
def finetune(segrec, words, masks, tmp_path):
    """Fine-tunes for a few steps of a few words; returns the outcome and the run directory."""

    def run(*arguments: str | Path, output: str = "run", data: Path = words, stored: bool = True):
        given = ["--data", data, "--output", tmp_path / output, "--device", "cpu", "--workers", "0"]
        quick = ["--steps", "3", "--batch-size", "4"]
        store = ["--masks", masks] if stored else []
        return segrec("finetune", "crnn", *given, *store, *quick, *arguments), tmp_path / output

    return run


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_weights(run / "best.safetensors")[0]


def changed(run: Path, before: dict[str, torch.Tensor]) -> set[str]:
    after = weights(run)
    assert set(after) == set(before)
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.fixture
def plain() -> dict[str, torch.Tensor]:
    return load_weights(resolve_weights(PLAIN))[0]


@pytest.mark.parametrize("init", ["random", "zero-mask", "luma"])
def test_training_the_input_leaves_every_other_tensor_bit_identical(finetune, plain, init):
    outcome, run = finetune("--train", "input", "--init", init)
    assert outcome.code == 0, outcome.err
    assert changed(run, plain) == INPUT
    assert weights(run)["cnn.conv0.weight"].shape[1] == 4
    assert "with predicted masks seen by cnn.conv0\n" in outcome.err


def test_training_all_changes_other_layers_too(finetune, plain):
    outcome, run = finetune("--train", "all")
    assert outcome.code == 0, outcome.err
    assert {"cnn.conv0.weight", "cnn.conv6.weight", "rnn.1.embedding.weight"} <= changed(run, plain)
    assert "cnn.batchnorm2.running_mean" in changed(run, plain)


def test_a_zero_mask_start_gives_the_plain_logits_before_any_training(finetune):
    outcome, run = finetune("--init", "zero-mask", "--lr", "1e-30")
    assert outcome.code == 0, outcome.err
    wide, narrow = load_pretrained(run / "best.safetensors"), load_pretrained(resolve_weights(PLAIN))
    grey = torch.rand(3, 1, 32, 100, generator=torch.Generator().manual_seed(0)) * 2 - 1
    images = torch.cat((grey.expand(3, 3, 32, 100), torch.zeros_like(grey)), dim=1)
    with torch.inference_mode():
        torch.testing.assert_close(wide(images), narrow(grey), atol=1e-4, rtol=1e-4)


def test_the_control_without_a_mask_keeps_the_pretrained_input(finetune, plain):
    outcome, run = finetune("--mask", "none", stored=False)
    assert outcome.code == 0, outcome.err
    assert changed(run, plain) == INPUT
    assert weights(run)["cnn.conv0.weight"].shape == plain["cnn.conv0.weight"].shape


@pytest.mark.parametrize("mask", ["random", "zero", "oracle"])
def test_every_other_kind_of_mask_can_be_trained_with_and_is_noted(finetune, mask):
    outcome, run = finetune("--mask", mask, stored=False)
    assert outcome.code == 0, outcome.err
    assert read_header(run / "best.safetensors").notes["mask"] == mask


def test_predicted_masks_are_predicted_first_when_no_store_is_named(finetune, masks):
    outcome, run = finetune(stored=False)
    assert outcome.code == 0
    assert f"predicting the masks of {MaskStore(masks).record.source.path}" in outcome.err
    assert contents(run / "masks-0") == contents(masks)


def test_the_same_seed_gives_the_same_files_and_another_seed_others(finetune):
    runs = [
        finetune("--init", "random", "--augment", "--seed", seed, output=name)[1]
        for name, seed in [("a", "5"), ("b", "5"), ("c", "6")]
    ]
    first, second, third = ((run / "best.safetensors").read_bytes() for run in runs)
    assert first == second != third


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("--lr", "0.01", "learning_rate=0.001, this one has 0.01"),
        ("--seed", "9", "seed=0, this one has 9"),
        ("--init", "random", "init='zero-mask', this one has 'random'"),
        ("--batch-size", "5", "batch_size=4, this one has 5"),
        ("--train", "all", "train='input', this one has 'all'"),
    ],
)
def test_another_setting_in_the_same_output_is_refused_by_name(finetune, setting, value, said):
    _, run = finetune()
    before = contents(run)
    outcome, _ = finetune(setting, value)
    assert outcome.code == 1 and outcome.err.count("\n") == 1
    assert said in outcome.err and "choose another --output" in outcome.err
    assert contents(run) == before


def test_running_a_finished_fine_tuning_again_changes_nothing(finetune):
    first, run = finetune()
    before = contents(run)
    again, _ = finetune()
    assert (again.code, again.out) == (0, first.out)
    assert contents(run) == before


def test_more_steps_go_on_with_the_same_run(finetune):
    _, run = finetune()
    outcome, _ = finetune("--steps", "5")
    assert outcome.code == 0 and f"resuming {run} at step 3" in outcome.err
    assert [row.split(",")[0] for row in (run / "metrics.jsonl").read_text().splitlines()] == [
        '{"step": 3',
        '{"step": 5',
    ]


def test_a_setting_mended_after_an_error_is_accepted_in_the_same_output(finetune, words, tmp_path):
    assert finetune("--lr", "0")[0].code == 1
    assert finetune(data=tmp_path / "typo")[0].code == 1
    assert finetune()[0].code == 0


def public_state() -> OrderedDict[str, torch.Tensor]:
    """A state dict with the key names of crnn.pytorch, as DataParallel saves it."""
    torch.manual_seed(4)
    state = CRNN(widths=WIDTHS, hidden=HIDDEN).state_dict()
    assert {"cnn.conv0.weight", "cnn.batchnorm6.running_var", "rnn.0.rnn.weight_hh_l0_reverse"} <= set(state)
    assert {"rnn.1.rnn.bias_ih_l0", "rnn.0.embedding.weight", "rnn.1.embedding.bias"} <= set(state)
    return OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())


def test_a_public_crnn_is_fine_tuned_from_its_pth_file(finetune, segrec, words, tmp_path):
    torch.save(public_state(), tmp_path / "netCRNN.pth")
    outcome, run = finetune("--pretrained", tmp_path / "netCRNN.pth")
    assert outcome.code == 0, outcome.err
    before = {name.removeprefix("module."): tensor for name, tensor in public_state().items()}
    assert changed(run, before) == INPUT
    scored = segrec("eval", "--model", run, "--data", f"w={words}", "--mask", "zero", "--limit", "4")
    assert scored.code == 0, scored.err


def test_an_init_that_does_not_suit_the_weights_is_one_line(finetune, tmp_path):
    colour = CRNN(widths=WIDTHS, hidden=HIDDEN, input_spec=InputSpec(color="rgb"))
    save_recognizer(tmp_path / "colour.safetensors", colour)
    outcome, _ = finetune("--pretrained", tmp_path / "colour.safetensors", "--init", "luma")
    assert outcome.code == 1 and outcome.err.count("\n") == 1
    assert "use init='zero-mask'" in outcome.err
    assert finetune("--pretrained", tmp_path / "colour.safetensors", "--init", "zero-mask")[0].code == 0


@pytest.mark.parametrize("workers", ["0", "1"])
def test_words_that_cannot_be_trained_on_end_it_in_one_line_that_counts_them(finetune, words, tmp_path, workers):
    unreadable = dict.fromkeys(range(1, 7), b"no picture")
    broken = copy_words(words, tmp_path / "broken", 8, images=unreadable, labels=["!"] * 8)
    outcome, _ = finetune("--mask", "zero", "--workers", workers, data=broken, stored=False)
    lines = [line for line in outcome.err.splitlines() if not line.startswith("fine-tuning")]
    assert outcome.code == 1 and len(lines) == 1, outcome.err
    assert "not one of 4 words in a row can be used for training" in lines[0] and "unreadable image" in lines[0]

"""What joins masks to a frozen recognizer is stored alone, and is whole again with that recognizer's file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from small_easyocr import easyocr_state

from recognizers import load_pretrained
from segrec.core.checkpoint import load_weights
from segrec.jobs.finetune import FineTuning, finetune
from segrec.rendering.writing import render_words


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("join")
    render_words(folder / "words", 8, seed=1)
    torch.save(easyocr_state(), folder / "english_g2.pth")
    return folder


def tuned(folder: Path, name: str, **settings: object) -> Path:
    """Return a run of two steps."""
    options = {"fusion": "stream", "train": "input", "mask": "zero", **settings}
    pretrained = str(folder / "english_g2.pth")
    return finetune(
        FineTuning(
            data=[str(folder / "words")], pretrained=pretrained, output=str(folder / name), steps=2, batch_size=4,
            evaluate_every=0, device="cpu", workers=0, **options,
        )
    )  # fmt: skip


def stored(run: Path, target: Path, *more: str):
    from store_join import main

    return CliRunner().invoke(main, [str(run), str(target), *more])


def test_the_file_holds_the_fusion_alone_and_reads_with_the_file_that_it_was_made_of(words, scripts_on_the_path):
    run = tuned(words, "run")
    outcome = stored(run, words / "english_g2-zero.safetensors", "--note", "data", "eight words")
    assert outcome.exit_code == 0, outcome.output
    assert outcome.output.endswith("goes with english_g2\n")
    state, header = load_weights(words / "english_g2-zero.safetensors")
    assert state and all(".fusion." in name for name in state)
    assert header.notes == {"data": "eight words"}
    whole, half = (load_pretrained(path) for path in (run / "last.safetensors", words / "english_g2-zero.safetensors"))
    for name, tensor in whole.state_dict().items():
        expected = tensor.half().float() if name in state else tensor
        assert torch.equal(half.get_parameter(name) if name in state else half.state_dict()[name], expected), name


@pytest.mark.parametrize("settings", [{"train": "all"}, {"fusion": "input", "mask": "none"}])
def test_a_run_that_trained_something_else_is_refused(words, scripts_on_the_path, settings, tmp_path):
    run = tuned(words, f"run-{len(settings)}", **settings)
    outcome = stored(run, tmp_path / "join.safetensors")
    assert outcome.exit_code == 1 and "trained no fusion alone" in outcome.output
    assert not (tmp_path / "join.safetensors").exists()

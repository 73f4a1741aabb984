"""Training in half precision: scaled gradients, clipping, steps that are left out, and resuming."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from curve_training import Crash, curve_loss, network, train
from torch import nn

from segrec.core.checkpoint import load_weights
from segrec.core.device import autocast
from segrec.training.loop import LoopSettings, TrainingError
from segrec.training.run_directory import RunDirectory

SETTINGS = LoopSettings(steps=8, learning_rate=0.05, warmup_steps=2, checkpoint_every=4, log_every=2)


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def overflowing(steps: tuple[int, ...], crash: int | None = None) -> Callable:
    """Return a loss with finite values whose scaled gradients overflow in the given steps."""
    numbers = iter(range(1, 1000))

    def loss(model: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
        number = next(numbers)
        if number == crash:
            raise Crash
        terms = curve_loss(model, x)
        return {"loss": terms["loss"] * (1e36 if number in steps else 1.0)}

    return loss


def test_scaling_changes_neither_weights_nor_gradient_norms(tmp_path):
    for folder, half in (("half", True), ("full", False)):
        train(tmp_path / folder, half=half, settings=SETTINGS)
    half_weights, _ = load_weights(tmp_path / "half" / "last.safetensors")
    full_weights, _ = load_weights(tmp_path / "full" / "last.safetensors")
    torch.testing.assert_close(half_weights, full_weights, rtol=1e-4, atol=1e-5)
    for mine, theirs in zip(rows(tmp_path / "half"), rows(tmp_path / "full"), strict=True):
        assert mine.pop("skipped_steps") == 0
        assert mine == pytest.approx(theirs, rel=1e-3, abs=1e-4)


def test_a_step_whose_gradients_overflow_is_left_out_counted_and_lowers_the_scale(tmp_path):
    settings = LoopSettings(steps=6, learning_rate=0.05, log_every=3)
    train(tmp_path, loss=overflowing((2, 3, 5)), settings=settings, half=True)
    found = rows(tmp_path)
    assert [row["skipped_steps"] for row in found] == pytest.approx([2 / 3, 1 / 3], abs=1e-6)
    assert all(0 < row["gradient_norm"] < 100 for row in found)
    state = RunDirectory(tmp_path).load_state()
    assert {int(of_one["step"]) for of_one in state["optimizer"]["state"].values()} == {3}
    assert state["scaler"]["scale"] == 65536 / 8
    weights, _ = load_weights(tmp_path / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in weights.values())


def test_a_row_without_a_single_finished_step_has_no_gradient_norm(tmp_path):
    train(tmp_path, loss=overflowing((1,)), half=True, settings=LoopSettings(steps=2, learning_rate=0.05, log_every=1))
    first, second = rows(tmp_path)
    assert first["skipped_steps"] == 1 and "gradient_norm" not in first
    assert second["skipped_steps"] == 0 and second["gradient_norm"] > 0


def test_clipping_is_of_the_gradients_and_not_of_the_scaled_ones(tmp_path):
    settings = replace(SETTINGS, gradient_clip=1e-3)
    for folder, half in (("half", True), ("full", False)):
        train(tmp_path / folder, half=half, settings=settings)
    half_weights, _ = load_weights(tmp_path / "half" / "last.safetensors")
    full_weights, _ = load_weights(tmp_path / "full" / "last.safetensors")
    torch.testing.assert_close(half_weights, full_weights, rtol=1e-4, atol=1e-5)


def test_the_scale_is_resumed(tmp_path):
    train(tmp_path / "whole", loss=overflowing((2, 4)), half=True, settings=SETTINGS)
    with pytest.raises(Crash):
        train(tmp_path / "cut", loss=overflowing((2, 4), crash=7), half=True, settings=SETTINGS)
    assert RunDirectory(tmp_path / "cut").load_state()["scaler"]["scale"] == 65536 / 4
    train(tmp_path / "cut", loss=overflowing(()), half=True, settings=SETTINGS)
    for name in ("last.safetensors", "metrics.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


@pytest.mark.parametrize("first", [True, False])
def test_the_precision_may_change_when_a_run_is_resumed(tmp_path, first):
    train(tmp_path, half=first, settings=replace(SETTINGS, steps=4))
    train(tmp_path, half=not first, settings=SETTINGS)
    assert RunDirectory(tmp_path).load_state()["step"] == SETTINGS.steps


def test_without_a_scaler_an_infinite_gradient_stops_before_the_weights_are_spoilt(tmp_path):
    def loss(model: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": curve_loss(model, x)["loss"] + (model[0].weight.sum() * 0).abs().sqrt()}

    with pytest.raises(TrainingError, match="the gradient's norm became nan at step 1; the last checkpoint is kept"):
        train(tmp_path, loss=loss, settings=SETTINGS)
    assert not (tmp_path / "last.safetensors").exists()


def test_a_step_in_bfloat16_trains_float32_weights_on_a_float32_loss(tmp_path):
    seen = []

    def loss(model: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
        with autocast(torch.device("cpu"), "bf16"):
            output = model(x)
        value = (output.float() - torch.sin(6 * x)).square().mean()
        seen.append((output.dtype, value.dtype))
        return {"loss": value}

    train(tmp_path, loss=loss, settings=SETTINGS)
    assert set(seen) == {(torch.bfloat16, torch.float32)}
    weights, _ = load_weights(tmp_path / "last.safetensors")
    start = network().state_dict()
    assert weights["0.weight"].dtype == torch.float32 and not torch.equal(weights["0.weight"], start["0.weight"])
    assert rows(tmp_path)[-1]["loss"] < rows(tmp_path)[0]["loss"]


def test_a_state_of_the_first_release_is_resumed(tmp_path):
    train(tmp_path / "whole", loss=overflowing(()), settings=SETTINGS)
    with pytest.raises(Crash):
        train(tmp_path / "old", loss=overflowing((), crash=6), settings=SETTINGS)
    run = RunDirectory(tmp_path / "old")
    state = run.load_state()
    counts = state.pop("counts")
    run.save_state({**state, "counted": counts.get("loss", 0), "random": state["random"][0]})
    train(tmp_path / "old", loss=overflowing(()), settings=SETTINGS)
    weights = [(tmp_path / name / "last.safetensors").read_bytes() for name in ("old", "whole")]
    assert weights[0] == weights[1]

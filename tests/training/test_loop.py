"""The optimisation loop: schedule, checkpoints, resuming and scores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from curve_training import SETTINGS, Crash, Recorded, crash_in_step, curve_loss, network, train

from segrec.core.checkpoint import WeightsHeader, load_weights, save_weights
from segrec.training.loop import LoopSettings, RateStage, Training, TrainingError, fit
from segrec.training.run_directory import RunDirectory


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_logs_the_rate_of_its_stage_and_resumes_inside_one(tmp_path):
    stages = (RateStage(6, 0.05, decay_share=0), RateStage(6, 0.01, warmup_steps=3, decay_share=0))
    settings = LoopSettings(steps=12, learning_rate=0.05, checkpoint_every=4, log_every=1, stages=stages)
    train(tmp_path / "whole", settings=settings)
    with pytest.raises(Crash):
        train(tmp_path / "cut", settings=settings, loss=crash_in_step(10))
    train(tmp_path / "cut", settings=settings)
    assert [row["lr"] for row in rows(tmp_path / "cut")] == pytest.approx(
        [0.05] * 6 + [0.01 / 3, 0.02 / 3] + [0.01] * 4
    )
    for name in ("last.safetensors", "metrics.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_a_run_leaves_weights_state_and_metrics(tmp_path):
    assert train(tmp_path).scores == {}
    names = {"run.json", "metrics.jsonl", "last.safetensors", "best.safetensors", "state.pt"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert (tmp_path / "best.safetensors").read_bytes() == (tmp_path / "last.safetensors").read_bytes()
    assert [row["step"] for row in rows(tmp_path)] == [3, 6, 9, 12, 15, 18, 20]
    assert set(rows(tmp_path)[0]) == {"step", "loss", "twice", "gradient_norm", "lr"}


def test_rows_hold_the_means_since_the_row_before(tmp_path):
    seen = []

    def loss(model, x):
        terms = curve_loss(model, x)
        seen.append(float(terms["loss"].detach()))
        return terms

    train(tmp_path, loss=loss)
    found = [row["loss"] for row in rows(tmp_path)]
    assert found == pytest.approx([sum(seen[i : i + 3]) / len(seen[i : i + 3]) for i in range(0, 20, 3)], abs=1e-6)
    assert rows(tmp_path)[0]["lr"] == pytest.approx(0.05)


def test_no_term_of_the_loss_is_waited_for_by_itself(tmp_path, monkeypatch):
    def refused(tensor: torch.Tensor) -> float:
        raise AssertionError("a number was fetched alone")

    monkeypatch.setattr(torch.Tensor, "__float__", refused)
    train(tmp_path, settings=replace(SETTINGS, steps=2, gradient_clip=None))
    assert set(rows(tmp_path)[0]) == {"step", "loss", "twice", "lr"}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("crash", [1, 4, 5, 7, 20])
def test_a_crashed_run_ends_bit_identical_to_one_that_was_not(tmp_path, crash, workers):
    scores = {"evaluate": lambda: {"score": 0.5}, "settings": replace(SETTINGS, evaluate_every=5)}
    train(tmp_path / "whole", **scores)
    with pytest.raises(Crash):
        train(tmp_path / "crashed", loss=crash_in_step(crash), **scores)
    train(tmp_path / "crashed", workers=workers, **scores)
    for name in ("last.safetensors", "best.safetensors", "metrics.jsonl"):
        assert (tmp_path / "crashed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_no_step_is_logged_twice_after_a_half_written_row(tmp_path):
    train(tmp_path / "whole")
    with pytest.raises(Crash):
        train(tmp_path / "cut", loss=crash_in_step(16))
    metrics = tmp_path / "cut" / "metrics.jsonl"
    assert [row["step"] for row in rows(tmp_path / "cut")] == [3, 6, 9, 12, 15]
    metrics.write_bytes(metrics.read_bytes() + b'{"step": 18, "lo')
    train(tmp_path / "cut")
    assert metrics.read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()


def test_a_finished_run_is_left_as_it_is(tmp_path):
    evaluate = iter([{"score": 0.5}])
    first = train(tmp_path, evaluate=lambda: next(evaluate)).scores
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert train(tmp_path, evaluate=lambda: next(evaluate)).scores == first == {"score": 0.5}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_finished_run_can_be_prolonged(tmp_path):
    train(tmp_path, settings=LoopSettings(steps=6, learning_rate=0.05))
    train(tmp_path, settings=LoopSettings(steps=9, learning_rate=0.05))
    assert [row["step"] for row in rows(tmp_path)] == [6, 9]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_non_finite_loss_stops_and_keeps_the_checkpoint(tmp_path, value):
    steps = iter(range(1, 100))

    def loss(model, x):
        return {"loss": curve_loss(model, x)["loss"] * (value if next(steps) == 7 else 1)}

    with pytest.raises(
        TrainingError, match=rf"the loss became {value} at step 7; the last checkpoint is kept"
    ) as error:
        train(tmp_path, loss=loss)
    assert "\n" not in str(error.value)
    state = RunDirectory(tmp_path).load_state()
    assert state["step"] == 4
    weights, _ = load_weights(tmp_path / "last.safetensors")
    assert all(torch.equal(weights[name], tensor) for name, tensor in state["model"].items())
    assert all(tensor.isfinite().all() for tensor in weights.values())


def test_the_best_score_decides_the_best_weights(tmp_path):
    settings = LoopSettings(steps=8, learning_rate=0.05, checkpoint_every=100, evaluate_every=2)
    scores = iter([0.2, 0.9, 0.9, 0.4])
    last = train(tmp_path, settings=settings, evaluate=lambda: {"score": next(scores), "ned": 0.1})
    assert last.scores == {"score": 0.4, "ned": 0.1}
    assert [row["score"] for row in rows(tmp_path) if "score" in row] == [0.2, 0.9, 0.9, 0.4]
    best, _ = load_weights(tmp_path / "best.safetensors")
    at_four = train_to(tmp_path / "four", settings, 4)
    assert all(torch.equal(best[name], tensor) for name, tensor in at_four.items())


def train_to(folder: Path, settings: LoopSettings, step: int) -> dict[str, torch.Tensor]:
    """Return the weights after `step` steps of a run with these settings."""
    with pytest.raises(Crash):
        train(folder, settings=replace(settings, checkpoint_every=step), loss=crash_in_step(step + 1))
    return load_weights(folder / "last.safetensors")[0]


def test_a_state_of_another_network_is_refused(tmp_path):
    train(tmp_path)
    run = RunDirectory(tmp_path)
    state = run.load_state()
    state["model"]["0.weight"] = torch.zeros(3, 3)
    run.save_state(state)
    with pytest.raises(TrainingError, match=r"state\.pt does not fit this network \(.*\); choose another") as error:
        train(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["model", "optimizer", "sums", "random", "step", "best", "scores"])
def test_a_state_of_strange_values_is_refused_in_one_line(tmp_path, key):
    train(tmp_path)
    run = RunDirectory(tmp_path)
    state = run.load_state()
    for strange in ([7], "x", torch.zeros(2, 0)):
        run.save_state({**state, key: strange})
        with pytest.raises(TrainingError, match=r"state\.pt does not fit this network \(.+\); choose another") as error:
            train(tmp_path)
        assert "\n" not in str(error.value)


def test_a_group_may_learn_at_a_share_of_the_rate(tmp_path):
    model = network()
    run = RunDirectory(tmp_path)
    slow, fast = {"params": model[0].parameters(), "lr_scale": 0.1}, {"params": model[4].parameters()}
    optimizer = torch.optim.SGD([slow, fast], lr=1)
    settings = LoopSettings(steps=1, learning_rate=0.25, decay_share=0)
    batches = [torch.ones(4, 1)]
    fit(
        Training(
            model=model,
            loss=curve_loss,
            optimizer=optimizer,
            save=lambda path: save_weights(path, model.state_dict(), WeightsHeader("curve", {})),
            train_mode=model.train,
        ),
        lambda first: iter(batches[first:]),
        settings=settings,
        run=run,
        state=run.begin("curve", Recorded()),
    )
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.025, 0.25])

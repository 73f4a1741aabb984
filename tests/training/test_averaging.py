"""The moving average of the weights: its values, what it leaves alone, and a run that evaluates and saves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from curve_training import SETTINGS, Crash, Recorded, collate, crash_in_step, curve_loss, network, train
from torch import nn

from segrec.core.checkpoint import WeightsHeader, load_weights, save_weights
from segrec.core.errors import DataError, TrainingError
from segrec.training.averaging import WeightAverage
from segrec.training.loop import LoopSettings, Training, fit
from segrec.training.run_directory import RunDirectory

AVERAGED = replace(SETTINGS, ema_decay=0.9, evaluate_every=5)


def one_weight(value: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(model.weight, value)
    return model


def averages_of(values: list[float], decay: float) -> list[float]:
    """Return the average after each of the values that a weight takes in turn."""
    model = one_weight(100.0)
    average, seen = WeightAverage(model, decay), []
    for value in values:
        nn.init.constant_(model.weight, value)
        average.update()
        with average.in_place():
            seen.append(model.weight.item())
        assert model.weight.item() == value
    return seen


def test_the_average_begins_at_the_first_step_and_keeps_little_of_it_at_first():
    first, second, third = averages_of([1.0, 2.0, 4.0], 0.9)  # the shares kept are 2/11 and 3/12
    assert (first, second) == pytest.approx((1.0, 20 / 11))
    assert third == pytest.approx(0.25 * 20 / 11 + 0.75 * 4.0)


def test_later_the_average_keeps_the_share_of_its_decay():
    values = [1.0] * 10 + [0.0, 0.0]
    assert averages_of(values, 0.3)[-2:] == pytest.approx([0.3, 0.09])


def test_the_average_is_bit_for_bit_that_of_one_weight_after_the_other():
    torch.manual_seed(0)
    model = network()
    average, expected = WeightAverage(model, 0.9), [weight.detach().clone() for weight in model.parameters()]
    for step in range(4):
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight))
        average.update()
        for kept, weight in zip(expected, model.parameters(), strict=True):
            kept.copy_(weight) if step == 0 else kept.lerp_(weight, 1 - min(0.9, (1 + step) / (10 + step)))
    with average.in_place(), torch.no_grad():
        assert all(weight.equal(kept) for weight, kept in zip(model.parameters(), expected, strict=True))


def test_frozen_weights_and_running_statistics_stay_those_of_the_model():
    model = network()
    model[0].requires_grad_(False)
    average = WeightAverage(model, 0.9)
    average.update()
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.add_(1)
    mine = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with average.in_place():
        changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, mine[name])}
    assert changed == {"1.weight", "1.bias", "4.weight", "4.bias"}
    assert all(torch.equal(tensor, mine[name]) for name, tensor in model.state_dict().items())


def test_the_models_tensors_stay_the_same_objects_in_the_same_memory():
    model = network()
    average = WeightAverage(model, 0.9)
    average.update()
    before = [(id(parameter), parameter.data_ptr()) for parameter in model.parameters()]
    with average.in_place():
        assert [(id(parameter), parameter.data_ptr()) for parameter in model.parameters()] == before


class Watched:
    """A run with an average, its model at hand."""

    def __init__(self, folder: Path, settings: LoopSettings = AVERAGED) -> None:
        self.model, self.run, self.settings = network(), RunDirectory(folder), settings
        self.evaluated: list[dict[str, torch.Tensor]] = []

    def weights(self) -> dict[str, torch.Tensor]:
        return {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def score(self) -> dict[str, float]:
        self.evaluated.append(self.weights())
        return {"score": float(len(self.evaluated))}

    def train(self, evaluate=None) -> None:
        torch.manual_seed(1)
        batches = [collate([0.1 * number, 0.7, 0.3]) for number in range(self.settings.steps)]
        fit(
            Training(
                model=self.model,
                loss=curve_loss,
                optimizer=torch.optim.Adam(self.model.parameters()),
                save=lambda path: save_weights(path, self.model.state_dict(), WeightsHeader("curve", {})),
                train_mode=self.model.train,
                evaluate=evaluate or self.score,
            ),
            lambda first: iter(batches[first:]),
            settings=self.settings,
            run=self.run,
            state=self.run.begin("watched", Recorded()),
        )


def test_evaluated_and_saved_is_the_average_and_trained_are_the_weights_themselves(tmp_path):
    averaged, plain = Watched(tmp_path / "averaged"), Watched(tmp_path / "plain", replace(AVERAGED, ema_decay=None))
    averaged.train()
    plain.train()
    for name, tensor in plain.weights().items():
        assert torch.equal(averaged.weights()[name], tensor), name
        assert torch.equal(averaged.run.load_state()["model"][name], tensor), name
    for path in (averaged.run.last, averaged.run.best):
        saved, _ = load_weights(path)
        for name, tensor in averaged.evaluated[-1].items():
            assert torch.equal(saved[name], tensor), (path, name)
            is_average = name in dict(averaged.model.named_parameters())
            assert torch.equal(saved[name], plain.weights()[name]) != is_average, (path, name)


def test_an_evaluation_that_fails_leaves_the_weights_themselves(tmp_path):
    averaged, plain = Watched(tmp_path / "averaged"), Watched(tmp_path / "plain", replace(AVERAGED, ema_decay=None))

    def fail() -> dict[str, float]:
        raise DataError("the truth is gone")

    for one in (averaged, plain):
        with pytest.raises(DataError, match="the truth is gone"):
            one.train(fail)
    assert all(torch.equal(tensor, plain.weights()[name]) for name, tensor in averaged.weights().items())


@pytest.mark.parametrize("crash", [2, 6, 18])
def test_a_crashed_run_ends_bit_identical_to_one_that_was_not(tmp_path, crash):
    scores = {"evaluate": lambda: {"score": 0.5}, "settings": AVERAGED}
    train(tmp_path / "whole", **scores)
    with pytest.raises(Crash):
        train(tmp_path / "crashed", loss=crash_in_step(crash), **scores)
    train(tmp_path / "crashed", **scores)
    for name in ("last.safetensors", "best.safetensors", "metrics.jsonl"):
        assert (tmp_path / "crashed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_a_run_without_an_average_cannot_be_resumed_with_one(tmp_path):
    train(tmp_path, settings=replace(SETTINGS, steps=4))
    with pytest.raises(TrainingError, match=r"state\.pt does not fit this network \(.*AveragedModel.*\); choose"):
        train(tmp_path, settings=replace(SETTINGS, ema_decay=0.9))

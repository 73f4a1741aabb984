"""A small real training, also one that is slow enough to be interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from segrec.core.checkpoint import WeightsHeader, save_weights
from segrec.training.batches import step_batches
from segrec.training.loop import LoopSettings, Trained, Training, fit
from segrec.training.run_directory import RunDirectory
from segrec.training.tensorboard import Board

SETTINGS = LoopSettings(steps=20, learning_rate=0.05, warmup_steps=3, checkpoint_every=4, log_every=3)


class Points:
    """Points of a curve; a sample depends on position and visit."""

    def __len__(self) -> int:
        return 11

    def __getitem__(self, key):
        return key[0] / 11 + key[1] / 100


@dataclass
class Recorded:
    seed: int = 0


def collate(samples: list[float]) -> torch.Tensor:
    return torch.tensor(samples)[:, None]


def network() -> nn.Sequential:
    """Return a network with everything that must be resumed: statistics, dropout, parameters."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 1))


def curve_loss(model, x):
    return {"loss": (model(x) - torch.sin(6 * x)).square().mean(), "twice": model(x).mean() * 2}


class Crash(Exception):
    pass


def crash_in_step(number: int) -> Callable:
    """Return the loss of the curve, which raises `Crash` when it is called the `number`-th time."""
    steps = iter(range(1, 1000))

    def loss(model, x):
        if next(steps) == number:
            raise Crash
        return curve_loss(model, x)

    return loss


def train(
    folder: Path,
    *,
    settings: LoopSettings = SETTINGS,
    loss: Callable = curve_loss,
    evaluate: Callable | None = None,
    workers: int = 0,
    half: bool = False,
    board: Board | None = None,
) -> Trained:
    model = network()
    run = RunDirectory(folder)

    def judged() -> dict[str, float]:
        assert evaluate is not None
        model.eval()
        return evaluate()

    return fit(
        Training(
            model=model,
            loss=loss,
            optimizer=torch.optim.Adam(model.parameters()),
            save=lambda path: save_weights(path, model.state_dict(), WeightsHeader("curve", {})),
            train_mode=model.train,
            evaluate=None if evaluate is None else judged,
            half=half,
        ),
        step_batches(Points(), collate, batch_size=4, seed=1, steps=settings.steps, workers=workers),
        settings=settings,
        run=run,
        state=run.begin("curve", Recorded()),
        board=board,
    )


def slow_loss(model, x):
    """Say that a step begins, then take long enough for an interrupt to meet it."""
    print("step", flush=True)
    time.sleep(0.1)
    return curve_loss(model, x)


def train_slowly(folder: Path, workers: int) -> None:
    """Train so that a test can follow the steps, and interrupt one."""
    train(folder, loss=slow_loss, workers=workers)

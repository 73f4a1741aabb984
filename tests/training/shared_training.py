"""Small trainings that two processes share, or that one does alone."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from segmenter.network import MutuallyGuidedNet
from segmenter.recompute import recomputed
from segrec.core.checkpoint import WeightsHeader, save_weights
from segrec.core.errors import DataError, SegrecError
from segrec.training.batches import step_batches
from segrec.training.distributed import World, launched
from segrec.training.loop import LoopSettings, Training, fit
from segrec.training.run_directory import RunDirectory

SETTINGS = LoopSettings(steps=4, learning_rate=0.02, checkpoint_every=2, log_every=1, gradient_clip=0.5)
ONE_STEP = LoopSettings(steps=1, learning_rate=0.02, log_every=1)


@dataclass
class Recorded:
    seed: int = 0


class Crash(Exception):
    pass


class Pictures:
    """Pictures of noise and which output of the network each trains; a sample depends on position and visit."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return 11

    def __getitem__(self, key: tuple[int, int]) -> tuple[torch.Tensor, bool]:
        generator = torch.Generator().manual_seed(100 * key[1] + key[0])
        picture = torch.rand(3, self.size, self.size, generator=generator, dtype=torch.float64)
        return picture, key[0] % 2 == 0


def collate(samples: list[tuple[torch.Tensor, bool]]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.stack([picture for picture, _ in samples]), torch.tensor([flag for _, flag in samples])


def small() -> nn.Module:
    """Return a network of two kinds of BatchNorm."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 3),
        nn.BatchNorm1d(3, momentum=None),
        nn.Linear(3, 1),
    ).double()


def small_loss(network: nn.Module, batch: Any) -> dict[str, torch.Tensor]:
    pictures, flags = batch
    return {"loss": (network(pictures)[:, 0] - flags.double()).square().mean(), "flags": flags.double().mean()}


class TwoHeads(nn.Module):
    """A network of which a loss may take one output or both."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.left, self.right = (nn.Sequential(nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1)) for _ in "lr")
        self.double()

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        maps = recomputed(self.trunk, self.trunk, pictures)
        return recomputed(self.left, self.left, maps), recomputed(self.right, self.right, maps)


def left_loss(network: nn.Module, batch: Any) -> dict[str, torch.Tensor]:
    left, _ = network(batch[0])
    return {"loss": (left - 1).square().mean()}


def guided() -> MutuallyGuidedNet:
    torch.manual_seed(0)
    model = MutuallyGuidedNet(width=2, skips=True).double()
    model.gradient_checkpointing = True
    return model


def uneven_loss(network: nn.Module, batch: Any) -> dict[str, torch.Tensor]:
    """Train all in two passes; a share without a picture of one kind has nothing for one of the outputs."""
    pictures, flags = batch
    outputs = network(pictures)
    loss = pictures.new_zeros(())
    if flags.any():
        loss = loss + (outputs.text2[flags] - 1).square().sum()
    if not flags.all():
        loss = loss + (outputs.region2[~flags] + 1).square().sum()
    return {"loss": loss / len(pictures)}


def train(
    folder: Path,
    world: World,
    *,
    model: nn.Module | None = None,
    loss: Callable = small_loss,
    evaluate: Callable | None = None,
    settings: LoopSettings = SETTINGS,
) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = small() if model is None else model
    size, settings = (32, ONE_STEP) if isinstance(model, MutuallyGuidedNet) else (6, settings)
    run = RunDirectory(folder)
    optimizer = torch.optim.Adam(model.parameters())
    fit(
        Training(
            model=model,
            loss=loss,
            optimizer=optimizer,
            save=lambda path: save_weights(path, model.state_dict(), WeightsHeader("small", {})),
            train_mode=model.train,
            evaluate=evaluate,
            find_unused_parameters=isinstance(model, MutuallyGuidedNet | TwoHeads),
        ),
        step_batches(Pictures(size), collate, batch_size=4, seed=1, steps=settings.steps, world=world),
        settings=settings,
        run=run,
        state=run.begin("shared", Recorded(), world=world),
        world=world,
    )
    return model, optimizer


def noisy_loss(network: nn.Module, batch: Any) -> dict[str, torch.Tensor]:
    """Depend on the random numbers of the process, as dropout does."""
    return small_loss(network, (batch[0] * torch.rand(len(batch[0]), 1, 1, 1), batch[1]))


def failing(
    number: int, fail: Callable[[], float], rank: int | None, world: World, *, otherwise: Callable = small_loss
) -> Callable:
    """Return a loss that, in the numbered step of one process or of all, is multiplied by what `fail` gives."""
    steps = iter(range(1, 100))

    def loss(network: nn.Module, batch: Any) -> dict[str, torch.Tensor]:
        terms = otherwise(network, batch)
        if next(steps) == number and rank in (None, world.rank):
            terms["loss"] = terms["loss"] * fail()
        return terms

    return loss


def crash() -> float:
    raise Crash


def interrupt() -> float:
    signal.raise_signal(signal.SIGINT)
    return 1.0


def outcome(work: Callable[[], object]) -> str:
    """Return what the work raises."""
    try:
        work()
    except (SegrecError, KeyboardInterrupt, Crash) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def comparable(folder: Path, world: World) -> dict[str, Any]:
    """Do the trainings that must not depend on the number of processes; return weights and number of trained ones."""
    seen = {}
    for name, model, loss in (
        ("small", small(), small_loss),
        ("one head", TwoHeads(), left_loss),
        ("uneven", guided(), uneven_loss),
    ):
        trained, optimizer = train(folder / name, world, model=model, loss=loss)
        seen[name] = {"weights": trained.state_dict(), "optimised": len(optimizer.state)}
    train(folder / "averaged", world, settings=replace(SETTINGS, ema_decay=0.9))
    return seen


def all_trainings(folder: Path, world: World) -> None:
    """Do every training and leave this process's account of it in `rank-R.pt`."""
    seen = comparable(folder, world)
    infinite = failing(4, lambda: float("inf"), 1, world)
    seen["infinite"] = outcome(lambda: train(folder / "infinite", world, loss=infinite))
    train(folder / "noisy", world, loss=noisy_loss)
    crashing = failing(4, crash, None, world, otherwise=noisy_loss)
    seen["crash"] = outcome(lambda: train(folder / "resumed", world, loss=crashing))
    train(folder / "resumed", world, loss=noisy_loss)
    only_one = failing(3, interrupt, 1, world)
    stopped = outcome(lambda: train(folder / "interrupted", world, loss=only_one))
    seen["interrupt"] = (stopped, RunDirectory(folder / "interrupted").load_state()["step"])
    train(folder / "interrupted", world)

    def broken() -> dict[str, float]:
        raise DataError("the truth is gone")

    seen["broken evaluation"] = outcome(lambda: train(folder / "broken", world, evaluate=broken))
    train(folder / "judged", world, evaluate=lambda: {"score": 0.5 + world.rank})
    seen["scores"] = RunDirectory(folder / "judged").load_state()["scores"]
    patient = replace(SETTINGS, evaluate_every=1, patience=1)
    train(folder / "patient", world, evaluate=lambda: {"score": 0.5 + world.rank}, settings=patient)
    ended = RunDirectory(folder / "patient").load_state()
    seen["patient"] = (ended["scores"], ended["step"])
    other = RunDirectory(folder / "small")
    seen["other settings"] = outcome(lambda: other.begin("shared", Recorded(seed=1), world=world))
    seen["odd batch"] = outcome(lambda: step_batches(Pictures(6), collate, batch_size=5, seed=1, steps=1, world=world))
    seen["sum"] = world.sum({"b": 1.5, "a": world.rank + 1})
    seen["gathered"] = world.gather_objects({"rank": world.rank, "words": ["a", "b"][: world.rank]})
    seen["any"] = [world.any(world.rank == 1), world.any(False)]
    torch.save(seen, folder / f"rank-{world.rank}.pt")


def all_trainings_together(folder: Path) -> None:
    """Do every training in this process of several."""
    torch.set_num_threads(1)
    with launched("cpu") as world:
        all_trainings(folder, world)

"""How far a run has come: what its checkpoints hold and what its log says."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segrec.core.errors import TrainingError
from segrec.core.runlog import LOGGER, append_jsonl, rewind_jsonl
from segrec.training.averaging import WeightAverage
from segrec.training.distributed import World
from segrec.training.run_directory import RunDirectory
from segrec.training.schedule import LoopSettings
from segrec.training.tensorboard import Board


class Progress:
    """The state of a run; all processes keep one, the main one writes it.

    Args:
        settings: when the run is done, and whether weights are averaged.
        save: writes the model's weights to a path.
        board: shows the rows and scores as well; None shows nothing.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        *,
        settings: LoopSettings,
        run: RunDirectory,
        save: Callable[[Path], None],
        world: World,
        board: Board | None,
    ) -> None:
        self.model, self.optimizer, self.scaler = model, optimizer, scaler
        self.settings, self.run, self.save, self.world = settings, run, save, world
        self.average = None if settings.ema_decay is None else WeightAverage(model, settings.ema_decay)
        self.board = board if world.is_main else None
        self.step = 0
        self.best = -math.inf
        self.waited = 0
        self.scores: dict[str, float] = {}
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.left_out: Counter[str] = Counter()

    @property
    def out_of_patience(self) -> bool:
        """Whether too many evaluations in a row were not better than the best before them."""
        return self.settings.patience is not None and self.waited >= self.settings.patience

    @property
    def done(self) -> bool:
        """Whether no step is left to do."""
        return self.step >= self.settings.steps or self.out_of_patience

    def begin(self, state: Mapping[str, Any] | None) -> None:
        """Go on from a state, or begin; rows and random numbers are then those of the step.

        Raises:
            TrainingError: the state is another network's, or not that of the main process.
        """
        if state is not None:
            self._restore(state)
        elif self.world.rank:
            torch.manual_seed(torch.initial_seed() + self.world.rank)  # else all processes would drop the same units
        if self.world.sum({"step": self.step})["step"] != self.step * self.world.size:
            raise TrainingError(f"the processes do not see the same {self.run.state}; put --output on a shared disk")
        if self.world.is_main:
            rewind_jsonl(self.run.metrics, self.step)
        if self.board is not None:
            self.board.begin(self.step)

    def _restore(self, state: Mapping[str, Any]) -> None:
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.average is not None:
                self.average.load_state_dict(state.get("average", {}))
            if state["scaler"]:  # empty after steps without one: --amp may change
                self.scaler.load_state_dict(state["scaler"])
            self.sums = dict(state["sums"])
            # segrec 0.1.0 wrote one count for all names, and one process's random state without its first dimension
            self.counts = state["counts"] if "counts" in state else dict.fromkeys(self.sums, state["counted"])
            self.left_out = Counter(state.get("left_out", {}))
            states = state["random"].reshape(-1, state["random"].shape[-1])  # (processes, bytes)
            torch.set_rng_state(states[self.world.rank % len(states)].clone())  # torch crashes on a part of a tensor
            self.step, self.best, self.scores = int(state["step"]), float(state["best"]), dict(state["scores"])
            self.waited = int(state.get("waited", 0))
        except (RuntimeError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:300]
            raise TrainingError(
                f"{self.run.state} does not fit this network ({reason}); choose another --output"
            ) from error
        LOGGER.info("resuming %s at step %d", self.run.path, self.step)

    def count(self, terms: Mapping[str, float], left_out: Counter[str]) -> None:
        """Take in a finished step.

        Args:
            terms: numbers of which the next row of the metrics holds the means.
            left_out: what was missing in its batch, by reason.
        """
        self.step += 1
        self.left_out += left_out
        if self.average is not None:
            self.average.update()
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1

    def log(self) -> dict[str, float]:
        """Write the means since the last row, each over the steps that had the number, and return them."""
        means = {name: total / self.counts[name] for name, total in self.sums.items()}
        self.sums, self.counts = {}, {}
        row = {**{name: round(value, 6) for name, value in means.items()}, "lr": self.optimizer.param_groups[0]["lr"]}
        if self.world.is_main:
            counts = {"left_out": dict(self.left_out)} if self.left_out else {}
            append_jsonl(self.run.metrics, {"step": self.step, **row, **counts})
        if self.board is not None:
            self.board.add_scalars("train", row, self.step)
        return means

    def judge(self, evaluate: Callable[[], Mapping[str, float]]) -> None:
        """Evaluate in all processes, of which the main one's scores count; keep the weights with the best `score`."""
        with self._weights_in_place():
            scores = dict(evaluate())
            self.scores = self.world.on_main(lambda: scores)
            improved = self.scores["score"] > self.best
            self.best = max(self.best, self.scores["score"])
            self.waited = 0 if improved else self.waited + 1
            if self.world.is_main:
                self._show(improved)

    def _show(self, improved: bool) -> None:
        append_jsonl(self.run.metrics, {"step": self.step, **self.scores})
        LOGGER.info("step %d: %s", self.step, ", ".join(f"{name} {value:.4f}" for name, value in self.scores.items()))
        if self.board is not None:
            self.board.add_scalars("valid", self.scores, self.step)
            self.board.add_images(self.step)
        if improved:
            self.save(self.run.best)

    def _weights_in_place(self) -> AbstractContextManager[None]:
        """Let the model hold the weights that are evaluated and saved."""
        return nullcontext() if self.average is None else self.average.in_place()

    def checkpoint(self) -> None:
        """Write the weights and the state; a kill at any moment leaves the earlier or the new one."""
        random = self.world.gather(torch.get_rng_state())
        if self.world.is_main:
            self._write(random)
        self.world.barrier()  # torchrun ends all as soon as one process ends in an interrupt

    def _write(self, random: Tensor) -> None:
        with self._weights_in_place():
            self.save(self.run.last)
        self.run.save_state(
            {
                "step": self.step,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "random": random,
                "average": {} if self.average is None else self.average.state_dict(),
                "best": self.best,
                "waited": self.waited,
                "scores": self.scores,
                "sums": self.sums,
                "counts": self.counts,
                "left_out": dict(self.left_out),
            }
        )

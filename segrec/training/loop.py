"""The one optimisation loop: resumable, bit-exact on a CPU, stopped by a non-finite loss."""

from __future__ import annotations

import math
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from segrec.core.errors import ConfigError, TrainingError
from segrec.core.files import atomic_path
from segrec.core.interrupt import deferred_interrupt
from segrec.core.runlog import LOGGER, progress_bar
from segrec.training.distributed import ALONE, World, shared
from segrec.training.progress import Progress
from segrec.training.run_directory import RunDirectory
from segrec.training.schedule import LoopSettings, RateStage
from segrec.training.tensorboard import Board
from segrec.training.timing import LoopTiming, awaited

__all__ = ["Evaluator", "LoopSettings", "Loss", "RateStage", "Training", "TrainingError", "fit"]

Loss = Callable[[nn.Module, Any], Mapping[str, Tensor]]
LeftOut = Callable[[Any], Mapping[str, int]]
Evaluator = Callable[[], Mapping[str, float]]


class Trained(NamedTuple):
    """What a training ended with: the last evaluation (empty without one), and what it left out of all batches."""

    scores: dict[str, float]
    left_out: Counter[str]


class StepResult(NamedTuple):
    """A step of all processes: its numbers, means over the global batch, and what was left out of that, by reason."""

    values: dict[str, float]
    left_out: Counter[str]


@dataclass(frozen=True, kw_only=True)
class Training:
    """What is trained, and the functions by which the loop does it.

    Attributes:
        model: the network.
        loss: gives named scalars for a network and a batch, `loss` among them; the others are logged. The network is
            `model`, or a wrapper that is called alike once a step. All processes give the same names.
        optimizer: of the model's parameters.
        save: writes the model's weights to a path; called in the main process.
        train_mode: puts the model in the mode in which it is trained.
        evaluate: gives named numbers, of which the largest `score` so far decides `best.safetensors`; all processes
            call it, the main one's numbers count.
        left_out: gives how much is missing in this process's share of a batch, by reason, always the same reasons; the
            rows of the metrics and the result hold the sums over all processes, since the start of the run.
        half: scale the loss for float16 gradients.
        find_unused_parameters: for several processes, whether a batch may leave parameters without a gradient.
    """

    model: nn.Module
    loss: Loss
    optimizer: torch.optim.Optimizer
    save: Callable[[Path], None]
    train_mode: Callable[[], object]
    evaluate: Evaluator | None = None
    left_out: LeftOut | None = None
    half: bool = False
    find_unused_parameters: bool = False


def fit(
    training: Training,
    batches: Callable[[int], Iterator[Any]],
    *,
    settings: LoopSettings,
    run: RunDirectory,
    state: Mapping[str, Any] | None,
    world: World = ALONE,
    board: Board | None = None,
    timing: LoopTiming | None = None,
) -> Trained:
    """Optimise the model up to `settings.steps`, or out of patience, and return what came of it.

    Of several processes, each calls this with its share of every batch. Where losses are means over the batch, all
    numbers are then those of one process with the whole batch, to rounding. With `settings.ema_decay`, `save` and
    `evaluate` meet the averaged weights in the model, with the running statistics of the last step.

    Args:
        batches: gives the batches from a step on; the same step must always give the same batch.
        run: where checkpoints and metrics go; it is released at the end.
        state: what `run.begin` returned; the loop goes on from there.
        world: the processes that train together.
        board: shows metrics, scores and pictures as well; it is closed at the end.
        timing: a fresh one is filled with what this process measures.

    Raises:
        ConfigError: there is patience, but no evaluation.
        TrainingError: the loss or the gradient is not finite, or `state` is another network's.
        KeyboardInterrupt: after an interrupt of any process, once the step is done and saved.
    """
    try:
        if settings.patience is not None and training.evaluate is None:
            raise ConfigError("a run with patience needs an evaluation; name validation data")
        stepper = _Stepper(training, settings, world)
        progress = stepper.progress(run, board)
        progress.begin(state)
        stepper.share()
        training.train_mode()
        timing = LoopTiming() if timing is None else timing
        _optimise(stepper, progress, batches, timing)
        _report(progress, timing)
        if training.evaluate is None and world.is_main:
            _copy(run.last, run.best)
    finally:
        run.release()
        if board is not None:
            board.close()
    return Trained(progress.scores, progress.left_out)


def _optimise(
    stepper: _Stepper,
    progress: Progress,
    batches: Callable[[int], Iterator[Any]],
    timing: LoopTiming,
) -> None:
    """Do the steps that are left, with their rows, evaluations and checkpoints."""
    settings, world, evaluate = stepper.settings, stepper.world, stepper.training.evaluate
    with (
        deferred_interrupt() as interrupted,
        progress_bar(settings.steps, "training", "step", initial=progress.step, shown=world.is_main) as bar,
    ):
        for batch, waiting in awaited(batches(progress.step)) if not progress.done else ():
            start = time.perf_counter()
            progress.count(*stepper.step(batch, progress.step))
            timing.add(waiting, time.perf_counter() - start)
            bar.update()
            if _due(progress.step, settings.log_every) or progress.done:
                bar.set_postfix(loss=f"{progress.log()['loss']:.3f}")
            if evaluate is not None and (progress.done or _due(progress.step, settings.evaluate_every)):
                progress.judge(evaluate)
                stepper.training.train_mode()
            if progress.out_of_patience and progress.sums:
                progress.log()
            stopping = world.any(interrupted.is_set())
            if progress.done or stopping or _due(progress.step, settings.checkpoint_every):
                progress.checkpoint()
            if stopping:
                raise KeyboardInterrupt
            if progress.done:
                break


def _report(progress: Progress, timing: LoopTiming) -> None:
    if progress.out_of_patience:
        LOGGER.info(
            "no better score in %d evaluations: the run ends at step %d of %d",
            *(progress.waited, progress.step, progress.settings.steps),
        )
    if timing.steps > 1:
        LOGGER.info("waited for data %.1f%% of the time", 100 * timing.waiting_share)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


class _Stepper:
    """Does optimiser steps."""

    def __init__(self, training: Training, settings: LoopSettings, world: World) -> None:
        self.training, self.settings, self.world = training, settings, world
        self.network, self.optimizer = training.model, training.optimizer
        device = next(training.model.parameters()).device
        self.scaler = torch.amp.GradScaler(device.type, enabled=training.half)

    def progress(self, run: RunDirectory, board: Board | None) -> Progress:
        """Return the state of the run whose steps these are."""
        training = self.training
        return Progress(
            training.model,
            training.optimizer,
            self.scaler,
            settings=self.settings,
            run=run,
            save=training.save,
            world=self.world,
            board=board,
        )

    def share(self) -> None:
        """Let the processes train the network together; its weights are then those of the main process."""
        unused = self.training.find_unused_parameters
        self.network = shared(self.training.model, self.world, find_unused_parameters=unused)

    def step(self, batch: Any, step: int) -> StepResult:
        """Do the 0-based `step` and return the loss terms of the global batch as numbers.

        With a scaler, a step whose float16 gradients overflow is left out and counted as `skipped_steps`.
        """
        rate = self.settings.rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)
        terms, count = self.training.loss(self.network, batch), self.training.left_out
        values, left_out = self._totals(terms, {} if count is None else count(batch))
        _check_finite("loss", values["loss"], step)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self.scaler.scale(terms["loss"]))
        if self.settings.gradient_clip is not None:
            values.update(self._clip(self.settings.gradient_clip, step))
        scale = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.scaler.is_enabled():
            values["skipped_steps"] = float(self.scaler.get_scale() < scale)
        return StepResult(values, left_out)

    def _totals(self, terms: Mapping[str, Tensor], lost: Mapping[str, int]) -> StepResult:
        """Return the terms' means and the counts' sums over all processes, which tell each other both at once."""
        means = torch.stack(
            [value.detach() for value in terms.values()]
        ).tolist()  # one wait for a GPU, not one per term
        own = {("term", name): mean for name, mean in zip(terms, means, strict=True)}
        sums = self.world.sum({**own, **{("lost", reason): float(count) for reason, count in lost.items()}})
        values = {name: sums["term", name] / self.world.size for name in terms}
        return StepResult(values, Counter({reason: round(sums["lost", reason]) for reason in lost}))

    def _clip(self, largest: float, step: int) -> dict[str, float]:
        """Clip the gradients and return their norm; nothing when the scaler is about to leave the step out."""
        self.scaler.unscale_(self.optimizer)
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, largest))
        if self.scaler.is_enabled() and not math.isfinite(norm):
            return {}
        _check_finite("gradient's norm", norm, step)
        return {"gradient_norm": norm}


def _check_finite(name: str, value: float, step: int) -> None:
    if not math.isfinite(value):
        raise TrainingError(
            f"the {name} became {value} at step {step + 1}; the last checkpoint is kept, lower --lr or check the labels"
        )


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as partial:
        shutil.copyfile(source, partial)

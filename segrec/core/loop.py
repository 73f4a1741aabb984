"""The one optimisation loop of the house: resumable, bit-exact on a CPU, stopped by a non-finite loss."""

from __future__ import annotations

import math
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segrec.core.errors import SegrecError
from segrec.core.files import atomic_path
from segrec.core.run_directory import RunDirectory
from segrec.core.runlog import LOGGER, append_jsonl, progress_bar, rewind_jsonl
from segrec.core.schedule import LoopSettings, RateStage

__all__ = ["Evaluation", "LoopSettings", "Loss", "RateStage", "TrainingError", "fit"]

Loss = Callable[[nn.Module, Any], Mapping[str, Tensor]]
Evaluation = Callable[[], Mapping[str, float]]


class TrainingError(SegrecError):
    """Training cannot go on; the last checkpoint is kept."""


def fit(
    model: nn.Module,
    loss: Loss,
    batches: Callable[[int], Iterator[Any]],
    optimizer: torch.optim.Optimizer,
    *,
    settings: LoopSettings,
    run: RunDirectory,
    state: Mapping[str, Any] | None,
    save: Callable[[Path], None],
    train_mode: Callable[[], object],
    evaluate: Evaluation | None = None,
    half: bool = False,
) -> dict[str, float]:
    """Optimise `model` up to `settings.steps` and return the last evaluation (empty without one).

    Args:
        loss: gives named scalars for a batch, `loss` among them; the others are logged.
        batches: gives the batches from a step on; the same step must always give the same batch.
        run: where checkpoints and metrics go.
        state: what `run.begin` returned; the loop goes on from there.
        save: writes the model's weights to a path.
        train_mode: puts the model in the mode in which it is trained.
        evaluate: gives named numbers; the largest `score` so far decides `best.safetensors`.
        half: scale the loss for float16 gradients.

    Raises:
        TrainingError: the loss is not finite.
        KeyboardInterrupt: after an interrupt, once the step is done and saved.
    """
    scaler = torch.amp.GradScaler("cuda", enabled=half)
    progress = _Progress(model, optimizer, scaler, run, save)
    if state is not None:
        progress.restore(state)
    rewind_jsonl(run.metrics, progress.step)
    train_mode()
    with (
        _deferred_interrupt() as interrupted,
        progress_bar(settings.steps, "training", "step", initial=progress.step) as bar,
    ):
        for batch in batches(progress.step) if progress.step < settings.steps else ():
            terms = _step(model, loss, batch, optimizer, scaler, settings, progress.step)
            progress.step += 1
            progress.count(terms)
            bar.update()
            done = progress.step >= settings.steps
            if progress.step % settings.log_every == 0 or done:
                _log(run, bar, progress.step, progress.take_means(), optimizer)
            if evaluate is not None and (done or _due(progress.step, settings.evaluate_every)):
                progress.judge(evaluate())
                train_mode()
            if done or interrupted.is_set() or _due(progress.step, settings.checkpoint_every):
                progress.checkpoint()
            if interrupted.is_set():
                raise KeyboardInterrupt
            if done:
                break
    if evaluate is None:
        _copy(run.last, run.best)
    return progress.scores


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _step(
    model: nn.Module,
    loss: Loss,
    batch: Any,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    settings: LoopSettings,
    step: int,
) -> dict[str, float]:
    """Do one optimiser step and return the loss terms as numbers."""
    rate = settings.rate(step)
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)
    terms = loss(model, batch)
    values = {name: float(value.detach()) for name, value in terms.items()}
    if not math.isfinite(values["loss"]):
        raise TrainingError(
            f"the loss became {values['loss']} at step {step + 1}; "
            "the last checkpoint is kept, lower --lr or check the labels"
        )
    optimizer.zero_grad(set_to_none=True)
    scaler.scale(terms["loss"]).backward()
    if settings.gradient_clip is not None:
        scaler.unscale_(optimizer)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        values["gradient_norm"] = float(torch.nn.utils.clip_grad_norm_(parameters, settings.gradient_clip))
    scaler.step(optimizer)
    scaler.update()
    return values


def _log(run: RunDirectory, bar: Any, step: int, means: Mapping[str, float], optimizer: torch.optim.Optimizer) -> None:
    row = {
        "step": step,
        **{name: round(value, 6) for name, value in means.items()},
        "lr": optimizer.param_groups[0]["lr"],
    }
    append_jsonl(run.metrics, row)
    bar.set_postfix(loss=f"{means['loss']:.3f}")


class _Progress:
    """What a checkpoint holds."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        run: RunDirectory,
        save: Callable[[Path], None],
    ) -> None:
        self.model, self.optimizer, self.scaler, self.run, self.save = model, optimizer, scaler, run, save
        self.step = 0
        self.best = -math.inf
        self.scores: dict[str, float] = {}
        self.sums: dict[str, float] = {}
        self.counted = 0

    def count(self, terms: Mapping[str, float]) -> None:
        """Add a step's numbers to those that the next row of the metrics averages."""
        self.counted += 1
        self.sums = {name: self.sums.get(name, 0.0) + value for name, value in terms.items()}

    def take_means(self) -> dict[str, float]:
        """Return the means since the last row and begin the next one."""
        means = {name: total / self.counted for name, total in self.sums.items()}
        self.sums, self.counted = {}, 0
        return means

    def restore(self, state: Mapping[str, Any]) -> None:
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.scaler.load_state_dict(state["scaler"])
            self.sums, self.counted = dict(state["sums"]), int(state["counted"])
        except (RuntimeError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise TrainingError(
                f"{self.run.state} does not fit this network ({reason}); choose another --output"
            ) from error
        torch.set_rng_state(state["random"])
        self.step, self.best, self.scores = int(state["step"]), float(state["best"]), dict(state["scores"])
        LOGGER.info("resuming %s at step %d", self.run.path, self.step)

    def checkpoint(self) -> None:
        self.save(self.run.last)
        self.run.save_state(
            {
                "step": self.step,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "random": torch.get_rng_state(),
                "best": self.best,
                "scores": self.scores,
                "sums": self.sums,
                "counted": self.counted,
            }
        )

    def judge(self, scores: Mapping[str, float]) -> None:
        self.scores = dict(scores)
        append_jsonl(self.run.metrics, {"step": self.step, **self.scores})
        LOGGER.info("step %d: %s", self.step, ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))
        if scores["score"] > self.best:
            self.best = scores["score"]
            self.save(self.run.best)


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as partial:
        shutil.copyfile(source, partial)


@contextmanager
def _deferred_interrupt() -> Iterator[threading.Event]:
    """Turn the first interrupt into an event, so that a step is finished and saved; a second one stops at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def remember(number: int, frame: Any) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        LOGGER.warning("interrupted: finishing the step and saving; press again to stop at once")
        event.set()

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)

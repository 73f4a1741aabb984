"""How long a run goes, in which stages, and with which learning rate at each step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from segrec.core.errors import ConfigError

SCHEDULES = ("trapezoid", "onecycle")
"""How a learning rate may go: warmed up, held and lowered linearly, or as `onecycle_rate`."""


@dataclass(frozen=True)
class RateStage:
    """The learning rate of one stage of a run: warmed up linearly, held, then brought to zero linearly.

    Attributes:
        steps: optimiser steps of the stage.
        learning_rate: the peak.
        warmup_steps: length of the warm-up.
        decay_share: share of the stage's steps at its end over which the learning rate falls.
    """

    steps: int
    learning_rate: float
    warmup_steps: int = 0
    decay_share: float = 0.3

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f"steps must be at least 1, got {self.steps}")
        if not 0 < self.learning_rate < math.inf:
            raise ConfigError(f"the learning rate must be positive and finite, got {self.learning_rate}")

    def rate(self, step: int) -> float:
        """Return the learning rate of the stage's 0-based `step`."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        decay_steps = max(1.0, self.decay_share * self.steps)
        return self.learning_rate * min(warm, 1.0, (self.steps - step) / decay_steps)


def onecycle_rate(step: int, steps: int, peak: float) -> float:
    """Return the rate of the 0-based `step` of `steps`: up to the peak and down again, each in a half cosine.

    It rises from 1/25 of the peak over 0.3 of the steps and ends at 1/250,000 of it. Source: Smith and Topin,
    "Super-Convergence" (2018), as `torch.optim.lr_scheduler.OneCycleLR` has it by default.
    """
    initial = peak / 25
    top = 0.3 * steps - 1  # the step of the peak; below 0 in a run of three steps or fewer
    start, end, first, last = (0.0, top, initial, peak) if step <= top else (top, steps - 1, peak, initial / 1e4)
    return last + (first - last) / 2 * (math.cos(math.pi * (step - start) / (end - start)) + 1)


@dataclass(frozen=True)
class LoopSettings:
    """How long and how a run goes.

    Attributes:
        steps: optimiser steps in all.
        learning_rate: the peak. Unused where `stages` are.
        warmup_steps: length of the trapezoid's warm-up. Unused where `stages` are.
        decay_share: share of the steps at the end over which the trapezoid falls. Unused where `stages` are.
        gradient_clip: largest gradient norm; None leaves gradients alone.
        checkpoint_every: steps between checkpoints.
        log_every: steps between rows of metrics.jsonl.
        evaluate_every: steps between evaluations; 0 evaluates only at the end.
        stages: the rates of a run in stages, one after the other; their steps sum up to `steps`.
        schedule: one of `SCHEDULES`; stages are trapezoids.
        ema_decay: evaluate and save an exponential moving average of the weights, of which each step keeps this share;
            None takes the weights as they are.
        patience: end the run after this many evaluations in a row without a better score; None never does.
    """

    steps: int
    learning_rate: float
    warmup_steps: int = 0
    decay_share: float = 0.3
    gradient_clip: float | None = 5.0
    checkpoint_every: int = 200
    log_every: int = 20
    evaluate_every: int = 0
    stages: tuple[RateStage, ...] = ()
    schedule: str = "trapezoid"
    ema_decay: float | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        self._whole()
        if self.schedule not in SCHEDULES:
            raise ConfigError(f"unknown schedule {self.schedule!r}; use one of {', '.join(SCHEDULES)}")
        if self.stages and self.schedule != "trapezoid":
            raise ConfigError(f"a run in stages cannot follow the schedule {self.schedule}; leave one of them out")
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise ConfigError(f"the average's decay must lie between 0 and 1, for instance 0.999, got {self.ema_decay}")
        if self.patience is not None and self.patience < 1:
            raise ConfigError(f"the patience must be at least 1 evaluation, got {self.patience}")
        if self.patience is not None and self.evaluate_every < 1:
            raise ConfigError("a run with patience needs evaluations on its way; say after how many steps")
        total = sum(stage.steps for stage in self.stages)
        if self.stages and total != self.steps:
            raise ConfigError(f"the {len(self.stages)} stages have {total} steps, but the run is to have {self.steps}")

    def rate(self, step: int) -> float:
        """Return the learning rate of the 0-based `step` of the run."""
        if self.schedule == "onecycle":
            return onecycle_rate(step, self.steps, self.learning_rate)
        *earlier, last = self.stages or (self._whole(),)
        for stage in earlier:
            if step < stage.steps:
                return stage.rate(step)
            step -= stage.steps
        return last.rate(step)

    def _whole(self) -> RateStage:
        return RateStage(self.steps, self.learning_rate, self.warmup_steps, self.decay_share)

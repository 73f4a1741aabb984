"""How long a run goes, in which stages, and with which learning rate at each step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from segrec.core.errors import ConfigError


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


@dataclass(frozen=True)
class LoopSettings:
    """How long and how a run goes.

    Attributes:
        steps: optimiser steps in all.
        learning_rate: the peak; warmed up linearly, held, then brought to zero linearly. Unused where `stages` are.
        warmup_steps: length of the warm-up. Unused where `stages` are.
        decay_share: share of the steps at the end over which the learning rate falls. Unused where `stages` are.
        gradient_clip: largest gradient norm; None leaves gradients alone.
        checkpoint_every: steps between checkpoints.
        log_every: steps between rows of metrics.jsonl.
        evaluate_every: steps between evaluations; 0 evaluates only at the end.
        stages: the rates of a run in stages, one after the other; their steps sum up to `steps`.
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

    def __post_init__(self) -> None:
        self._whole()
        total = sum(stage.steps for stage in self.stages)
        if self.stages and total != self.steps:
            raise ConfigError(f"the {len(self.stages)} stages have {total} steps, but the run is to have {self.steps}")

    def rate(self, step: int) -> float:
        """Return the learning rate of the 0-based `step` of the run."""
        *earlier, last = self.stages or (self._whole(),)
        for stage in earlier:
            if step < stage.steps:
                return stage.rate(step)
            step -= stage.steps
        return last.rate(step)

    def _whole(self) -> RateStage:
        return RateStage(self.steps, self.learning_rate, self.warmup_steps, self.decay_share)

"""How much of its time a training waits for data."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Batch = TypeVar("Batch")


@dataclass
class LoopTiming:
    """Seconds of one run of the loop, without its first step, which starts workers and warms up.

    A device that still computes while the loop waits counts as waiting. Evaluations and checkpoints count as nothing.

    Attributes:
        steps: steps done; the first is not timed.
        waiting: seconds in which the loop waited for the next batch.
        working: seconds of the steps themselves.
    """

    steps: int = 0
    waiting: float = 0.0
    working: float = 0.0

    @property
    def waiting_share(self) -> float:
        """The share of its time that the loop waited, in [0, 1]; 0 before a second step."""
        total = self.waiting + self.working
        return self.waiting / total if total else 0.0

    def add(self, waiting: float, working: float) -> None:
        """Count a step with its seconds."""
        if self.steps:
            self.waiting += waiting
            self.working += working
        self.steps += 1


def awaited(batches: Iterable[Batch]) -> Iterator[tuple[Batch, float]]:
    """Yield each batch with the seconds that it took to come."""
    start = time.perf_counter()
    for batch in batches:
        yield batch, time.perf_counter() - start
        start = time.perf_counter()

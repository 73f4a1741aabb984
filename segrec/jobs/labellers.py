"""What labels pictures one by one, in this process or in several."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from segrec.core.interrupt import held_interrupts
from segrec.core.runlog import LOGGER
from segrec.core.workers import worker_processes
from segrec.data.labelling.reasons import REASONS

AHEAD = 32
"""Pictures that a worker has in hand."""

Label = TypeVar("Label", covariant=True)

_labeller: Labeller[Any] | None = None


class Labeller(Protocol[Label]):
    """Gives the label of a picture by its place."""

    def label(self, place: int) -> Label:
        """Return what is to be stored."""
        ...


@dataclass(frozen=True)
class LabelResult:
    """What a run did.

    Attributes:
        output: what it wrote.
        pictures: words, or photographs, that the output now covers.
        added: those that this run dealt with.
        accepted: words with a mask.
        refused: the other words, by a key of `REASONS`, the most frequent first.
    """

    output: Path
    pictures: int
    added: int
    accepted: int
    refused: dict[str, int]

    def log_refused(self) -> None:
        """Say why words have no mask."""
        for reason, count in self.refused.items():
            LOGGER.info("%d refused, %s: %s", count, reason, REASONS.get(reason, reason))


def labels_of(start: Callable[[], Labeller[Label]], places: Iterable[int], *, workers: int) -> Iterator[Label]:
    """Yield the label of each place, in order.

    Args:
        start: opens the labeller, in each process anew.
        places: of the pictures.
        workers: processes; up to one, it is done here.
    """
    labeller = start()  # with workers, too: what is wrong is said here, not by one of them
    if workers <= 1:
        with held_interrupts() as held:
            for place in places:
                held.check()
                yield labeller.label(place)
        return
    del labeller
    with worker_processes(workers, _start, start) as submit:
        waiting: deque[Callable[[], Label]] = deque()
        for place in places:
            waiting.append(submit(_label, place))
            if len(waiting) > AHEAD * workers:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()


def _start(start: Callable[[], Labeller[Any]]) -> None:
    global _labeller
    torch.set_num_threads(1)
    _labeller = start()


def _label(place: int) -> Any:
    assert _labeller is not None
    return _labeller.label(place)

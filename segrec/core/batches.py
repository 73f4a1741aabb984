"""Batches in an order that depends on the seed and the step alone, so that a resumed run sees the same words."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import DataLoader

from segrec.core.distributed import ALONE, World
from segrec.core.errors import ConfigError, SegrecError

Key = tuple[int, int]
"""(position in the dataset, number of earlier visits to it)."""


class KeyedDataset(Protocol):
    """A dataset whose samples are pure functions of (position, visit)."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Key) -> Any: ...


class Joined:
    """Several keyed datasets one after the other, as one."""

    def __init__(self, datasets: Sequence[KeyedDataset]) -> None:
        self._datasets = list(datasets)
        self._ends = np.cumsum([len(dataset) for dataset in datasets])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, key: Key) -> Any:
        place = int(np.searchsorted(self._ends, key[0], side="right"))
        return self._datasets[place][key[0] - (int(self._ends[place - 1]) if place else 0), key[1]]


class StepSampler:
    """The keys of each step's batch, from `first_step` to `steps`.

    Each epoch is a fresh permutation; a batch may span two epochs, so that all batches are full.

    Args:
        share: (rank, size) of processes that share each batch; each takes every size-th key from its rank on.
    """

    def __init__(
        self, size: int, batch_size: int, seed: int, first_step: int, steps: int, *, share: tuple[int, int] = (0, 1)
    ) -> None:
        self._size, self._batch_size, self._seed = size, batch_size, seed
        self._first_step, self._steps, self._share = first_step, steps, share

    def __len__(self) -> int:
        return max(0, self._steps - self._first_step)

    def __iter__(self) -> Iterator[list[Key]]:
        epoch, order = -1, np.empty(0, dtype=np.int64)
        rank, processes = self._share
        for step in range(self._first_step, self._steps):
            keys: list[Key] = []
            for place in range(step * self._batch_size, (step + 1) * self._batch_size):
                if place // self._size != epoch:
                    epoch = place // self._size
                    order = np.random.default_rng((self._seed, epoch)).permutation(self._size)
                keys.append((int(order[place % self._size]), epoch))
            yield keys[rank::processes]


def step_batches(
    dataset: KeyedDataset,
    collate: Callable[[list[Any]], Any],
    *,
    batch_size: int,
    seed: int,
    steps: int,
    workers: int = 0,
    world: World = ALONE,
) -> Callable[[int], Iterator[Any]]:
    """Return a function that gives the batches from a step on, as `loop.fit` wants them.

    Args:
        collate: makes a batch of the samples; it runs in the worker.
        batch_size: samples a step, of all processes together.
        workers: loader processes; 0 loads in this process.
        world: the processes that train together; this one gets its share of each batch.

    Raises:
        ConfigError: the dataset is empty, or the batch cannot be shared evenly, so that the mean of the shares' means
            would not be its mean.
    """
    if not len(dataset):
        raise ConfigError("the data hold nothing to train on; name others")
    if batch_size % world.size:
        raise ConfigError(
            f"a batch of {batch_size} cannot be shared evenly by {world.size} processes; "
            f"choose a multiple of {world.size}"
        )
    share = (world.rank, world.size)
    loadable: Any = _CarefulDataset(dataset)  # torch's Dataset knows integer keys only

    def batches(first_step: int) -> Iterator[Any]:
        loader = DataLoader(
            loadable,
            batch_sampler=StepSampler(len(dataset), batch_size, seed, first_step, steps, share=share),
            collate_fn=_CarefulCollate(collate),
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            worker_init_fn=_ignore_interrupts if workers else None,
            generator=torch.Generator(),  # else each resumption would move the random state of the run
        )
        for batch in loader:
            if isinstance(batch, SegrecError):
                raise batch
            yield batch

    return batches


def _ignore_interrupts(worker: int) -> None:
    """Leave an interrupt, which a terminal sends to all processes, to the one that can save its work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _CarefulDataset:
    """Hands errors of the data on as samples: raised in a worker, they would come back as its whole traceback."""

    def __init__(self, dataset: KeyedDataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, key: Key) -> Any:
        try:
            return self._dataset[key]
        except SegrecError as error:
            return error


class _CarefulCollate:
    """Makes a batch, or hands on the error that is among its samples or comes of them."""

    def __init__(self, collate: Callable[[list[Any]], Any]) -> None:
        self._collate = collate

    def __call__(self, samples: list[Any]) -> Any:
        try:
            error = next((sample for sample in samples if isinstance(sample, SegrecError)), None)
            return error or self._collate(samples)
        except SegrecError as error:
            return error

"""Loading of batches, in worker processes or in this one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import DataLoader

from segrec.core.errors import ConfigError, SegrecError
from segrec.training.distributed import ALONE, World
from segrec.training.sampling import Key, MixedSampler, StepSampler, batch_counts

__all__ = ["Joined", "Key", "KeyedDataset", "step_batches"]


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


def step_batches(
    dataset: KeyedDataset | Sequence[KeyedDataset],
    collate: Callable[[list[Any]], Any],
    *,
    batch_size: int,
    seed: int,
    steps: int,
    workers: int = 0,
    world: World = ALONE,
    ratios: Sequence[float] | None = None,
) -> Callable[[int], Iterator[Any]]:
    """Return a function that gives the batches from a step on, as `loop.fit` wants them.

    Args:
        dataset: one, or several that are mixed.
        collate: makes a batch of the samples; it runs in the worker.
        batch_size: samples per step, of all processes together.
        workers: loader processes; 0 loads in this process.
        world: the processes that train together; this one gets its share of each batch.
        ratios: one for each dataset, its fixed share of every batch, to a scale; None takes each sample equally often.

    Raises:
        ConfigError: the data are empty, the ratios do not fit them, or the batch cannot be shared evenly, so that the
            mean of the shares' means would not be its mean.
    """
    datasets: list[Any] = list(dataset) if isinstance(dataset, list | tuple) else [dataset]
    joined = Joined(datasets)
    if not len(joined):
        raise ConfigError("the data hold nothing to train on; name others")
    counts = None if ratios is None else _counts_of(datasets, ratios, batch_size)
    if batch_size % world.size:
        raise ConfigError(
            f"a batch of {batch_size} cannot be shared evenly by {world.size} processes; "
            f"choose a multiple of {world.size}"
        )
    share = (world.rank, world.size)

    def batches(first_step: int) -> Iterator[Any]:
        order: StepSampler | MixedSampler
        if counts is None:
            order = StepSampler(len(joined), batch_size, seed, first_step, steps, share=share)
        else:
            order = MixedSampler([len(one) for one in datasets], counts, seed, first_step, steps, share=share)
        return _loaded(joined, order, collate, workers)

    return batches


def _loaded(
    dataset: KeyedDataset, order: StepSampler | MixedSampler, collate: Callable[[list[Any]], Any], workers: int
) -> Iterator[Any]:
    """Yield the batches of an order.

    Raises:
        SegrecError: of the data, whichever process met it.
    """
    loadable: Any = _CarefulDataset(dataset)  # torch's Dataset knows integer keys only
    loader = DataLoader(
        loadable,
        batch_sampler=order,
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


def _counts_of(datasets: Sequence[KeyedDataset], ratios: Sequence[float], batch_size: int) -> list[int]:
    """Return how many samples of a batch each dataset gives."""
    if len(ratios) != len(datasets):
        raise ConfigError(f"there are {len(ratios)} ratios for {len(datasets)} datasets; give one ratio for each")
    for number, dataset in enumerate(datasets, 1):
        if not len(dataset):
            raise ConfigError(f"dataset {number} of the mixture holds nothing; leave it and its ratio out")
    return batch_counts(ratios, batch_size)


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

"""The order of samples, which depends on the seed and the step alone, so that a resumed run sees the same words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from segrec.core.errors import ConfigError

Key = tuple[int, int]
"""(position in the dataset, number of earlier visits to it)."""


class StepSampler:
    """The keys of each step's batch, from `first_step` to `steps`.

    Each epoch is a fresh permutation; a batch may span two epochs, so that all batches are full.

    Args:
        seed: a number, or several that together name the order.
        share: (rank, size) of processes that share each batch; each takes every size-th key from its rank on.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int | tuple[int, ...],
        first_step: int,
        steps: int,
        *,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self._size, self._batch_size = size, batch_size
        self._seed = seed if isinstance(seed, tuple) else (seed,)
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
                    order = np.random.default_rng((*self._seed, epoch)).permutation(self._size)
                keys.append((int(order[place % self._size]), epoch))
            yield keys[rank::processes]


class MixedSampler:
    """The keys of each step's batch where several joined datasets have fixed numbers of samples in every batch.

    Each dataset has its own epochs and permutations. A batch holds the samples of the first dataset, then the next.

    Args:
        sizes: numbers of samples of the datasets, in the order in which they are joined.
        counts: how many of a batch are of each dataset.
        share: as in `StepSampler`.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        counts: Sequence[int],
        seed: int,
        first_step: int,
        steps: int,
        *,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self._starts = [sum(sizes[:number]) for number in range(len(sizes))]
        self._samplers = [
            StepSampler(size, count, (seed, number), first_step, steps)
            for number, (size, count) in enumerate(zip(sizes, counts, strict=True))
        ]
        self._share = share

    def __len__(self) -> int:
        return len(self._samplers[0])

    def __iter__(self) -> Iterator[list[Key]]:
        rank, processes = self._share
        for parts in zip(*self._samplers, strict=True):
            keys = [
                (start + position, visit)
                for start, part in zip(self._starts, parts, strict=True)
                for position, visit in part
            ]
            yield keys[rank::processes]


def batch_counts(ratios: Sequence[float], batch_size: int) -> list[int]:
    """Return how many samples of a batch each dataset gives, by largest remainder; they sum up to `batch_size`.

    Raises:
        ConfigError: a ratio is not positive and finite, or so small that its dataset would give none.
    """
    for number, ratio in enumerate(ratios, 1):
        if not 0 < ratio < math.inf:
            raise ConfigError(f"ratios must be positive numbers, got {ratio:g} for dataset {number}")
    exact = [ratio / sum(ratios) * batch_size for ratio in ratios]
    counts = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(ratios)), key=lambda number: counts[number] - exact[number])
    for number in by_remainder[: batch_size - sum(counts)]:
        counts[number] += 1
    if 0 in counts:
        number = counts.index(0)
        raise ConfigError(
            f"with the ratio {ratios[number]:g} dataset {number + 1} gives none of a batch of {batch_size}; "
            "raise its ratio or the size of the batch, or leave it out"
        )
    return counts

"""How sure a figure is: intervals for an accuracy, and for what one method gains over another on the same data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWN_AT_ONCE = 2**20
"""Images of resamples in memory at a time."""


class Difference(NamedTuple):
    """`second - first` in accuracy or mean score, with its 95% interval; all in [-1, 1]."""

    mean: float
    low: float
    high: float


def wilson_interval(correct: int, words: int) -> tuple[float, float]:
    """Return the 95% interval of an accuracy (Wilson, 1927); (0, 1) without words."""
    if words == 0:
        return 0.0, 1.0
    z = 1.959964
    share = correct / words
    middle = (share + z * z / (2 * words)) / (1 + z * z / words)
    half = z * math.sqrt(share * (1 - share) / words + z * z / (4 * words * words)) / (1 + z * z / words)
    return (0.0 if correct == 0 else middle - half), (1.0 if correct == words else middle + half)


def paired_bootstrap(
    first: Sequence[bool], second: Sequence[bool], *, seed: int = 0, draws: int = 10_000
) -> Difference:
    """Return the accuracy gained by `second` over `first` on the same words, with a bootstrap interval.

    Args:
        first: whether each word was read right.
        second: the same words in the same order.
        seed: of the resampling.
        draws: number of resamples.

    Raises:
        ValueError: the two have different lengths or are empty.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(f"both must hold the same words, at least one; got {len(first)} and {len(second)}")
    gain = np.asarray(second, dtype=np.int64) - np.asarray(first, dtype=np.int64)
    words = len(gain)
    shares = np.array([(gain == value).sum() for value in (-1, 0, 1)]) / words
    sampled = np.random.default_rng(seed).multinomial(words, shares, size=draws)
    low, high = np.quantile((sampled[:, 2] - sampled[:, 0]) / words, [0.025, 0.975])
    return Difference(float(gain.mean()), float(low), float(high))


def paired_bootstrap_means(
    first: Sequence[float], second: Sequence[float], *, seed: int = 0, draws: int = 10_000
) -> Difference:
    """Return the mean gained by `second` over `first` on the same images, with a bootstrap interval.

    Args:
        first: a score of each image, such as its F1.
        second: of the same images in the same order.
        seed: of the resampling.
        draws: number of resamples.

    Raises:
        ValueError: the two have different lengths or are empty.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(f"both must hold the same images, at least one; got {len(first)} and {len(second)}")
    gain = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    generator = np.random.default_rng(seed)
    at_once = max(1, DRAWN_AT_ONCE // len(gain))
    means = np.concatenate(
        [
            gain[generator.integers(len(gain), size=(min(at_once, draws - start), len(gain)))].mean(axis=1)
            for start in range(0, draws, at_once)
        ]
    )
    low, high = np.quantile(means, [0.025, 0.975])
    return Difference(float(gain.mean()), float(low), float(high))

"""Pictures of one size, once padded, that go through a network together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from segmenter.preprocess import STRIDE

BATCH_PIXELS = 32 * 32 * 160
"""Pixels of one batch, so that a run's memory does not depend on how long its longest words are."""


def equal_batches(
    sizes: Mapping[int, tuple[int, int]], batch_size: int, *, pixels: int = BATCH_PIXELS
) -> Iterator[list[int]]:
    """Yield the keys whose padded sizes are equal, at most `batch_size` and about `pixels` at once."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for key, (height, width) in sizes.items():
        groups[-(-height // STRIDE), -(-width // STRIDE)].append(key)
    for (rows, columns), group in groups.items():
        most = max(1, min(batch_size, pixels // (rows * columns * STRIDE**2)))
        for start in range(0, len(group), most):
            yield group[start : start + most]

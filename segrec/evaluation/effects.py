"""Which words a mask repaired and which it broke, compared with the reader that each is fairly compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segrec.data.masks.kinds import SHUFFLED
from segrec.evaluation.compare import Gain, gain_over
from segrec.evaluation.result import POOLED, EvaluationResult
from segrec.evaluation.scoring import TEXT_MASKS

FAIREST = ("none", "zero", "random", SHUFFLED)
"""Masks of the other side of a comparison, the fairest first."""


@dataclass(frozen=True)
class Comparison:
    """One reader beside the one that it is compared with, on the same words of one dataset.

    Attributes:
        first: the other side, usually the control without a mask.
        second: the reader whose mask is judged.
        gain: of `second` over `first`.
    """

    first: EvaluationResult
    second: EvaluationResult
    gain: Gain

    @property
    def repaired(self) -> NDArray[np.intp]:
        """Places of the words that `second` reads right in a larger share of its seeds, the largest margin first."""
        return self._by_margin(1)

    @property
    def broken(self) -> NDArray[np.intp]:
        """Places of the words that `first` reads right in a larger share of its seeds, the largest margin first."""
        return self._by_margin(-1)

    def _by_margin(self, sign: int) -> NDArray[np.intp]:
        """Return the places where the margin has this sign; places of one margin stay in the order of the words."""
        first, second = self.first.right, self.second.right
        margin = sign * (second.sum(axis=0, dtype=np.int64) * len(first) - first.sum(axis=0) * len(second))
        order: NDArray[np.intp] = np.argsort(-margin, kind="stable")
        kept: NDArray[np.intp] = order[margin[order] > 0]
        return kept


def comparisons(results: Sequence[EvaluationResult], gains: Sequence[Gain]) -> list[Comparison]:
    """Return each dataset's readers with a mask beside the fairest reader that a gain compares them with.

    That is one without a mask, another model (the control) before the same weights; then one with empty, random and
    other words' masks; then another model with the same kind of mask.

    Args:
        results: of one evaluation, those of all datasets together included.
        gains: `segrec.evaluation.compare.gains` of these.
    """
    by_reader = {(result.dataset, result.model, result.mask): result for result in results}
    fairest: dict[tuple[str, str, str], Gain] = {}
    for gain in sorted(gains, key=_unfairness):
        fairest.setdefault((gain.dataset, gain.model, gain.mask), gain)
    return [
        Comparison(by_reader[reader[0], fairest[reader].over_model, fairest[reader].over_mask], result, fairest[reader])
        for reader, result in by_reader.items()
        if result.mask != "none" and reader in fairest
    ]


def _unfairness(gain: Gain) -> tuple[bool, int, bool]:
    place = FAIREST.index(gain.over_mask) if gain.over_mask in FAIREST else len(FAIREST)
    return gain.mask == gain.over_mask, place, gain.model == gain.over_model


def main_comparison(found: Sequence[Comparison]) -> Comparison | None:
    """Return the comparison that a verdict is about, None of none.

    It is of all datasets together where there are several, else of the first, and of predicted masks where they were
    read, else of exact ones, else of the first kind.
    """
    datasets = [comparison.gain.dataset for comparison in found]
    dataset = POOLED if POOLED in datasets else next(iter(datasets), None)
    here = {comparison.gain.mask: comparison for comparison in reversed(found) if comparison.gain.dataset == dataset}
    return next((here[mask] for mask in (*TEXT_MASKS, *reversed(here)) if mask in here), None)


def oracle_gains(results: Sequence[EvaluationResult], *, seed: int = 0) -> list[Gain]:
    """Return what exact masks gain over predicted ones, read by the same weights: what better masks could still add.

    Args:
        results: of one evaluation.
        seed: of the resampling.
    """
    predicted = {(result.dataset, result.model): result for result in results if result.mask == "predicted"}
    return [
        gain_over(result, predicted[result.dataset, result.model], "predicted", seed=seed)
        for result in results
        if result.mask == "oracle" and (result.dataset, result.model) in predicted and result.right.size
    ]

"""Accuracy by crop height, word length and mask coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.evaluation.result import EvaluationResult
from segrec.evaluation.scoring import TEXT_MASKS, WordOutcome
from segrec.evaluation.segmenter_result import HEIGHTS
from segrec.evaluation.statistics import seeded_interval

Groups = Mapping[str, tuple[float, float | None]]

LENGTHS: Groups = {"1-2": (1, 3), "3-4": (3, 5), "5-6": (5, 7), "7-9": (7, 10), ">=10": (10, None)}
"""Groups of words by the characters of their label: from the first number up to, not with, the second."""
COVERAGES: Groups = {
    "<10 %": (0, 0.1),
    "10-20 %": (0.1, 0.2),
    "20-30 %": (0.2, 0.3),
    "30-40 %": (0.3, 0.4),
    ">=40 %": (0.4, None),
}
"""Groups of words by the share of their mask that is text."""


@dataclass(frozen=True)
class BreakdownRow:
    """One model with one kind of mask on one group of words.

    Attributes:
        by: `height`, `length` or `coverage`.
        coverage_of: the kind of mask whose coverage groups the words, for all that read them; None otherwise.
        group: such as `16-23`, rows of a crop.
        correct: words read right, the mean over the seeds.
        interval: of the accuracy (95%), over words and seeds.
    """

    dataset: str
    by: str
    coverage_of: str | None
    group: str
    model: str
    mask: str
    words: int
    correct: float
    accuracy: float
    interval: tuple[float, float]

    def row(self) -> dict[str, Any]:
        """Return the JSON-able row of the report."""
        return {**vars(self), "interval": list(self.interval)}


def breakdown(results: Sequence[EvaluationResult]) -> list[BreakdownRow]:
    """Return the accuracy of every result on each group of its words that is not empty.

    Unreadable words belong to no group of height or coverage. The coverage is that of the first model's masks of a kind
    (all models of an evaluation are shown the same), and groups the words of the other masks too, for comparison.
    """
    rows: list[BreakdownRow] = []
    for dataset in dict.fromkeys(result.dataset for result in results):
        here = [result for result in results if result.dataset == dataset]
        rows += _grouped(here, "height", None, HEIGHTS, _values(here[0], lambda outcome: outcome.height))
        rows += _grouped(here, "length", None, LENGTHS, _values(here[0], lambda outcome: len(outcome.label)))
        for kind in TEXT_MASKS:
            shown = next((result for result in here if result.mask == kind and result.takes_mask), None)
            if shown is not None:
                coverage = _values(shown, lambda outcome: outcome.coverage)
                rows += _grouped(here, "coverage", kind, COVERAGES, coverage)
    return rows


def _values(result: EvaluationResult, of: Callable[[WordOutcome], float | None]) -> NDArray[np.float64]:
    """Return (words,), NaN where there is no value."""
    return np.array([of(outcome) for outcome in result.scored.outcomes], dtype=np.float64)


def _grouped(
    results: Sequence[EvaluationResult], by: str, coverage_of: str | None, groups: Groups, values: NDArray[np.float64]
) -> Iterator[BreakdownRow]:
    for group, (low, high) in groups.items():
        members = (values >= low) & (values < (np.inf if high is None else high))
        words = int(members.sum())
        for result in results if words else ():
            right = result.right[:, members]
            yield BreakdownRow(
                result.dataset,
                by,
                coverage_of,
                group,
                result.model,
                result.mask,
                words,
                float(right.sum() / len(right)),
                float(right.mean()),
                seeded_interval(right),
            )

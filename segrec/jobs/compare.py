"""What predicted masks gain over the other variants, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segrec.jobs.evaluate import EvaluationResult
from segrec.statistics import paired_bootstrap

BASELINES = ("none", "zero", "random")


@dataclass(frozen=True)
class Gain:
    """How much more accurate one mask is than another on the same words.

    Attributes:
        dataset: the words.
        mask, over: the two kinds of mask compared.
        words: how many words.
        mean, low, high: difference in accuracy and its 95% interval (paired bootstrap), in [-1, 1].
    """

    dataset: str
    mask: str
    over: str
    words: int
    mean: float
    low: float
    high: float


def gains(results: Sequence[EvaluationResult], *, seed: int = 0) -> list[Gain]:
    """Return what predicted masks gain over none, zero and random ones, for each dataset that has both.

    Args:
        results: of one evaluation; the outcomes of a dataset are of the same words in the same order.
        seed: of the resampling.
    """
    found = []
    for dataset in dict.fromkeys(result.dataset for result in results):
        right = {
            result.mask: [outcome.correct for outcome in result.scored.outcomes]
            for result in results
            if result.dataset == dataset
        }
        predicted = right.get("predicted", [])
        for over in BASELINES:
            if over in right and predicted:
                difference = paired_bootstrap(right[over], predicted, seed=seed)
                found.append(Gain(dataset, "predicted", over, len(predicted), *difference))
    return found

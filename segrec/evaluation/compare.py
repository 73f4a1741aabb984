"""What one mask or model gains over another on the same words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from segrec.core.errors import ConfigError
from segrec.data.masks.kinds import SHUFFLED
from segrec.evaluation.result import EvaluationResult
from segrec.evaluation.scoring import TEXT_MASKS
from segrec.evaluation.statistics import mcnemar, seeded_bootstrap

BASELINES = ("none", "zero", "random", SHUFFLED)

GAIN_COLUMNS = (
    "dataset", "model", "mask", "over", "over_model", "over_mask",
    "mean", "low", "high", "seeds", "over_seeds", "n", "p",
)  # fmt: skip
"""Keys of a gain in JSON, columns in CSV."""


@dataclass(frozen=True)
class Gain:
    """How much more accurate one mask or model is than another on the same words.

    Attributes:
        dataset: the words.
        model, mask: what gains.
        over: what it is compared with: a kind of mask of the same model, or the name of another model.
        over_model, over_mask: the same in full.
        words: how many words.
        mean, low, high: difference in accuracy and its 95% interval over words and seeds, in [-1, 1], see
            `segrec.evaluation.statistics.seeded_bootstrap`.
        seeds, over_seeds: how many each side has.
        p: McNemar's test, see `segrec.evaluation.statistics.mcnemar`.
    """

    dataset: str
    model: str
    mask: str
    over: str
    over_model: str
    over_mask: str
    words: int
    mean: float
    low: float
    high: float
    seeds: int
    over_seeds: int
    p: float

    def row(self) -> dict[str, Any]:
        """Return the JSON-able row of the report; mean, low and high are in points, that is in per cent."""
        points = {name: 100 * value for name, value in (("mean", self.mean), ("low", self.low), ("high", self.high))}
        values = {**vars(self), **points, "n": self.words}
        return {name: values[name] for name in GAIN_COLUMNS}


def gains(results: Sequence[EvaluationResult], *, over: str | None = None, seed: int = 0) -> list[Gain]:
    """Return what is gained on each dataset.

    Of one model: text masks (predicted, oracle) over none, zero, random and other words' masks. Of several: each over
    the one named `over`, with the same mask; a model without a mask channel is also what every mask of the others is
    compared with, the equal control without a mask.

    Args:
        results: of one evaluation; the outcomes of a dataset are of the same words in the same order.
        over: the model that the others are compared with; the first one when None.
        seed: of the resampling.

    Raises:
        ConfigError: there is no model of that name.
    """
    models = list(dict.fromkeys(result.asked for result in results))
    if over is not None and over not in models:
        raise ConfigError(f"--over {over} is not one of the models; use one of {', '.join(models)}")
    base = over if over is not None else next(iter(models), None)
    found = []
    for dataset in dict.fromkeys(result.dataset for result in results):
        here = [result for result in results if result.dataset == dataset]
        pairs = [*_between_masks(here), *_between_models(here, base)]
        found += [gain_over(second, first, name, seed=seed) for second, first, name in pairs if second.right.size]
    return found


Pair = tuple[EvaluationResult, EvaluationResult, str]
"""What gains, what over, and the name of the latter."""


def _between_masks(results: Sequence[EvaluationResult]) -> Iterator[Pair]:
    for second in results:
        for name in BASELINES if second.mask in TEXT_MASKS else ():
            yield from (
                (second, first, name) for first in results if first.asked == second.asked and first.mask == name
            )


def _between_models(results: Sequence[EvaluationResult], base: str | None) -> Iterator[Pair]:
    for second in results:
        for first in results:
            comparable = first.mask == second.mask != SHUFFLED or not first.takes_mask
            if first.asked == base != second.asked and comparable:
                yield second, first, first.asked


def gain_over(second: EvaluationResult, first: EvaluationResult, name: str, *, seed: int = 0) -> Gain:
    """Return what one result gains over another on the same words.

    Args:
        second: what gains.
        first: what it is compared with.
        name: of the latter.
        seed: of the resampling.
    """
    difference = seeded_bootstrap(first.right, second.right, seed=seed)
    return Gain(
        dataset=second.dataset,
        model=second.model,
        mask=second.mask,
        over=name,
        over_model=first.model,
        over_mask=first.mask,
        words=len(second.scored.outcomes),
        mean=difference.mean,
        low=difference.low,
        high=difference.high,
        seeds=len(second.seeds),
        over_seeds=len(first.seeds),
        p=mcnemar(first.right, second.right),
    )

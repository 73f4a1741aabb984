"""What an evaluation finds: one row per dataset, model and kind of mask, for each seed, and all datasets together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognizers.metrics import WordScore
from segrec.core.tables import write_json_lines
from segrec.evaluation.scoring import Scored
from segrec.evaluation.statistics import seeded_interval

POOLED = "pooled"
"""The name under which all words of all datasets are reported together."""


@dataclass(frozen=True)
class EvaluationResult:
    """One database read by one model under one kind of mask.

    Attributes:
        model: the name that it is reported under.
        scored: counts and the outcome of every word, of the first seed.
        further: of the other seeds, on the same words in the same order.
        asked: the model that the user named; several weights may stand for it, one for each kind of mask.
        takes_mask: whether the model has a mask channel.
    """

    dataset: str
    mask: str
    model: str
    scored: Scored
    further: tuple[Scored, ...] = ()
    asked: str = ""
    takes_mask: bool = True

    @property
    def seeds(self) -> tuple[Scored, ...]:
        """The scores of all seeds."""
        return (self.scored, *self.further)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each word was read right, (seeds, words)."""
        return np.array([[outcome.correct for outcome in scored.outcomes] for scored in self.seeds], dtype=bool)

    def row(self) -> dict[str, Any]:
        """Return the JSON-able row of the report; accuracy, ned and interval are in [0, 1].

        With several seeds `correct`, `accuracy` and `ned` are means over them, the interval is over words and seeds.
        """
        score, seeds = self.scored.score, len(self.seeds)
        total = sum(one.score.correct for one in self.seeds)
        return {
            "dataset": self.dataset,
            "mask": self.mask,
            "words": score.words,
            "correct": total if seeds == 1 else total / seeds,
            "accuracy": total / seeds / score.words if score.words else 0.0,
            "ned": sum(one.score.ned for one in self.seeds) / seeds,
            "skipped": score.skipped,
            "unlabelled": self.scored.unlabelled,
            "interval": list(seeded_interval(self.right)),
            "model": self.model,
            "seeds": seeds,
            "accuracies": [one.score.accuracy for one in self.seeds],
        }


def pooled(results: Sequence[EvaluationResult]) -> list[EvaluationResult]:
    """Return a result over all words of all datasets for each model and mask that read them all; none of one dataset.

    Each word counts once, so that a large dataset weighs more than a small one.
    """
    datasets = {result.dataset for result in results}
    if len(datasets) < 2:
        return []
    groups: dict[tuple[str, str, str], list[EvaluationResult]] = {}
    for result in results:
        groups.setdefault((result.asked, result.model, result.mask), []).append(result)
    return [_joined(group) for group in groups.values() if {result.dataset for result in group} == datasets]


def _joined(group: Sequence[EvaluationResult]) -> EvaluationResult:
    first = group[0]
    scored, *further = (_sum(parts) for parts in zip(*(result.seeds for result in group), strict=True))
    return EvaluationResult(
        POOLED, first.mask, first.model, scored, tuple(further), asked=first.asked, takes_mask=first.takes_mask
    )


def _sum(parts: Iterable[Scored]) -> Scored:
    total = Scored(WordScore(), [], 0, Counter())
    for part in parts:
        total.score.merge(part.score)
        total.outcomes.extend(part.outcomes)
        total.unlabelled += part.unlabelled
        total.refused += part.refused
    return total


def write_predictions(path: str, results: Sequence[EvaluationResult]) -> None:
    """Write one JSON line per word, mask, seed and database: what it says, what was read, and whether that is right."""
    write_json_lines(path, (row for result in results for row in _predictions(result)))


def _predictions(result: EvaluationResult) -> Iterator[dict[str, Any]]:
    for number, scored in enumerate(result.seeds, start=1):
        about = {"dataset": result.dataset, "mask": result.mask, "model": result.model, "seed": number}
        yield from ({**about, **asdict(outcome)} for outcome in scored.outcomes)

"""Whether a recognizer uses its mask, judged by what it reads with its own, another word's and an empty one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from segrec.data.masks.kinds import SHUFFLED
from segrec.evaluation.compare import Gain, gains
from segrec.evaluation.result import EvaluationResult
from segrec.evaluation.scoring import TEXT_MASKS

Use = Literal["uses", "any mask will do", "disturbed", "misled", "unclear"]

SENTENCES: dict[Use, str] = {
    "uses": "it uses its mask: it reads better with it than with another word's, and better than with an empty one",
    "any mask will do": (
        "it does not use what the mask shows: it reads better with a mask than with an empty one, but another word's "
        "does as well"
    ),
    "disturbed": (
        "it looks at its mask but gains nothing: another word's mask makes it read worse, yet its own is no better "
        "than an empty one"
    ),
    "misled": "its masks mislead it: it reads worse with its own than with another word's or with an empty one",
    "unclear": "no sign that it uses its mask: it reads about as well with another word's or with an empty one",
}


@dataclass(frozen=True)
class MaskCheck:
    """What one model makes of its masks on one dataset.

    Attributes:
        mask: kind of the own masks, oracle or predicted.
        own, shuffled, zero: accuracy with them, with another word's and with empty ones, in [0, 1].
        over_shuffled, over_zero: what the own masks gain.
        use: in short; `SENTENCES` has it in full.
    """

    dataset: str
    model: str
    mask: str
    words: int
    own: float
    shuffled: float
    zero: float
    over_shuffled: Gain
    over_zero: Gain
    use: Use

    @property
    def verdict(self) -> str:
        """What that means, in words."""
        return SENTENCES[self.use]

    def row(self) -> dict[str, Any]:
        """Return the JSON-able row of the report; accuracies are in [0, 1]."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "mask": self.mask,
            "words": self.words,
            "own": self.own,
            "shuffled": self.shuffled,
            "zero": self.zero,
            "use": self.use,
            "verdict": self.verdict,
        }


def mask_checks(results: Sequence[EvaluationResult], *, seed: int = 0) -> list[MaskCheck]:
    """Return a verdict on each model and dataset that was read with own, shuffled and zero masks.

    Args:
        results: of an evaluation with `mask_check`.
        seed: of the resampling.
    """
    by_over = {(gain.dataset, gain.model, gain.over): gain for gain in gains(results, seed=seed)}
    accuracy = {(result.dataset, result.model, result.mask): result.row()["accuracy"] for result in results}
    checks = []
    for result in results:
        key = (result.dataset, result.model)
        over_shuffled, over_zero = by_over.get((*key, SHUFFLED)), by_over.get((*key, "zero"))
        if result.mask in TEXT_MASKS and over_shuffled is not None and over_zero is not None:
            checks.append(
                MaskCheck(
                    result.dataset,
                    result.model,
                    result.mask,
                    over_zero.words,
                    accuracy[*key, result.mask],
                    accuracy[*key, SHUFFLED],
                    accuracy[*key, "zero"],
                    over_shuffled,
                    over_zero,
                    use_of(over_shuffled, over_zero),
                )
            )
    return checks


def use_of(over_shuffled: Gain, over_zero: Gain) -> Use:
    """Return what two gains of the own masks say; only an interval that leaves out 0 counts as a difference."""
    shuffled, zero = _sign(over_shuffled), _sign(over_zero)
    if shuffled > 0:
        return "uses" if zero > 0 else "disturbed"
    if shuffled < 0 or zero < 0:
        return "misled"
    return "any mask will do" if zero > 0 else "unclear"


def _sign(gain: Gain) -> int:
    return 1 if gain.low > 0 else -1 if gain.high < 0 else 0

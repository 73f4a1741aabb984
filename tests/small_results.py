"""Results of a few words, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence

from recognizers import WordScore
from segrec.evaluation.result import EvaluationResult
from segrec.evaluation.scoring import Scored, WordOutcome


def scored(texts: Sequence[str], truths: Sequence[str]) -> Scored:
    """Return the score of words that were read as `texts` and say `truths`."""
    score, outcomes = WordScore(), []
    for index, (text, truth) in enumerate(zip(texts, truths, strict=True), start=1):
        score.add(text, truth)
        outcomes.append(WordOutcome(index, truth, text, 0.9, text == truth, None, height=20))
    return Scored(score, outcomes)


def result(
    mask: str, *seeds: Sequence[str], truths: Sequence[str], model: str = "", dataset: str = "signs", asked: str = "m"
) -> EvaluationResult:
    """Return what one reader read in each seed."""
    first, *further = (scored(texts, truths) for texts in seeds)
    return EvaluationResult(
        dataset, mask, model or f"crnn-{mask}", first, tuple(further), asked=asked, takes_mask=mask != "none"
    )

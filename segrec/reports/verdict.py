"""What an evaluation found, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from segrec.evaluation.effects import Comparison, main_comparison
from segrec.evaluation.result import EvaluationResult


def verdict(found: Sequence[Comparison], results: Sequence[EvaluationResult] = ()) -> str:
    """Return one sentence: what the masks gain, with its interval, n and seeds, and whether that is beyond chance.

    Args:
        found: of the evaluation, see `segrec.evaluation.effects.comparisons`.
        results: of which the first is told where nothing was compared.
    """
    comparison = main_comparison(found)
    if comparison is None:
        return _without_comparison(results)
    gain = comparison.gain
    clear = "better" if gain.low > 0 else "worse" if gain.high < 0 else "no different beyond chance"
    seeds = "1 seed" if gain.seeds == 1 else f"{gain.seeds} seeds"
    return (
        f"With {gain.mask} masks, {gain.model} reads {_accuracy(comparison.second)} of these words right, and "
        f"{_other(comparison)} {_accuracy(comparison.first)}: {100 * gain.mean:+.1f} points "
        f"(95% interval {100 * gain.low:+.1f} to {100 * gain.high:+.1f}, n {gain.words}, {seeds}), {clear}."
    )


def how_read(mask: str) -> str:
    """Return in words with which kind of mask something was read."""
    return "without a mask" if mask == "none" else f"with {mask} masks"


def _other(comparison: Comparison) -> str:
    gain = comparison.gain
    how = how_read(gain.over_mask)
    return how if gain.over_model == gain.model else f"{gain.over_model} {how}"


def _accuracy(result: EvaluationResult) -> str:
    return f"{result.row()['accuracy']:.1%}"


def _without_comparison(results: Sequence[EvaluationResult]) -> str:
    if not results:
        return "Nothing was read."
    first = results[0]
    return (
        f"{first.model} reads {_accuracy(first)} of the {first.scored.score.words} words of {first.dataset} right "
        f"{how_read(first.mask)}; nothing was read that it could be compared with."
    )

"""The report of an evaluation: its figures, and the words that the masks repaired and broke with their pictures."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence

import torch

from segrec.core import VERSION
from segrec.core.files import file_digest
from segrec.data.words import WordLmdb
from segrec.evaluation.breakdown import breakdown
from segrec.evaluation.compare import Gain, gains
from segrec.evaluation.effects import Comparison, comparisons, main_comparison, oracle_gains
from segrec.evaluation.mask_check import mask_checks
from segrec.evaluation.result import POOLED, EvaluationResult, pooled
from segrec.evaluation.scoring import TEXT_MASKS
from segrec.jobs.evaluate import Evaluation
from segrec.jobs.evaluation_command import command_line
from segrec.jobs.word_pictures import WordPictures
from segrec.reports.report import Report, Variant
from segrec.reports.report_words import WordGroup, WordPicture
from segrec.reports.verdict import verdict
from segrec.weights import resolve_weights

SHOWN = 24
"""Words of each kind that are shown of a dataset and variant, at most."""
SHOWN_IN_ALL = 480
"""Words shown on the whole page, at most."""


def evaluation_report(
    settings: Evaluation,
    results: Sequence[EvaluationResult],
    *,
    over: str | None = None,
    title: str | None = None,
    notes: Sequence[str] = (),
    commands: Sequence[str] | None = None,
    facts: Mapping[str, str] | None = None,
) -> Report:
    """Return the report of an evaluation.

    Args:
        settings: of the evaluation.
        results: what `evaluate` returned for them.
        over: the model that the others are compared with, see `segrec.evaluation.compare.gains`.
        title: of the page; the names of the datasets when None.
        notes: further paragraphs below the table.
        commands: that repeat it; that of the settings when None.
        facts: further ones, by name.

    Raises:
        DataError: the words or masks cannot be read again.
    """
    everything = [*results, *pooled(results)]
    found = gains(everything, over=over, seed=settings.seed)
    compared = comparisons(everything, found)
    groups, main = _word_groups(settings, results, compared), main_comparison(compared)
    return Report(
        title=title or f"Text masks on {', '.join(settings.data)}",
        verdict=verdict(compared, everything),
        results=everything,
        gains=sorted([*found, *oracle_gains(everything, seed=settings.seed)], key=_dataset_order(everything)),
        breakdown=breakdown(everything),
        words=groups,
        control=None if main is None else Variant(main.gain.over_mask, main.gain.over_model),
        front=_front(groups, main),
        notes=[*notes, *_mask_check(settings, everything)],
        commands=[command_line(settings, over=over)] if commands is None else commands,
        facts=_facts(settings, results) | dict(facts or {}),
    )


def _mask_check(settings: Evaluation, results: Sequence[EvaluationResult]) -> list[str]:
    checks = mask_checks(results, seed=settings.seed) if settings.mask_check else []
    return [f"{check.model} on {check.dataset}: {check.verdict}." for check in checks]


def _dataset_order(results: Sequence[EvaluationResult]) -> Callable[[Gain], int]:
    order = list(dict.fromkeys(result.dataset for result in results))
    return lambda gain: order.index(gain.dataset)


def _word_groups(
    settings: Evaluation, results: Sequence[EvaluationResult], compared: Sequence[Comparison]
) -> list[WordGroup]:
    """Return the words of each comparison within one dataset, those of masks that show text first."""
    single = sorted(
        (comparison for comparison in compared if comparison.gain.dataset != POOLED),
        key=lambda comparison: (
            TEXT_MASKS.index(comparison.gain.mask) if comparison.gain.mask in TEXT_MASKS else len(TEXT_MASKS)
        ),
    )
    shown = max(1, min(SHOWN, SHOWN_IN_ALL // max(1, 2 * len(single))))
    pictures = WordPictures(settings, results)
    groups = []
    for comparison in single:
        gain = comparison.gain
        without = "no mask" if gain.over_mask == "none" else f"{gain.over_mask} masks"
        groups.append(
            WordGroup(
                gain.dataset,
                gain.mask,
                gain.model,
                without if gain.over_model == gain.model else f"{gain.over_model}, {without}",
                len(comparison.repaired),
                len(comparison.broken),
                list(pictures.of(comparison, comparison.repaired[:shown].tolist())),
                list(pictures.of(comparison, comparison.broken[:shown].tolist())),
            )
        )
    return groups


def _front(groups: Sequence[WordGroup], main: Comparison | None) -> WordGroup | None:
    """Return the group that the verdict is about; of all datasets together, the words of all in turn."""
    if main is None:
        return None
    same = [group for group in groups if (group.mask, group.model) == (main.gain.mask, main.gain.model)]
    if main.gain.dataset != POOLED:
        return next(group for group in same if group.dataset == main.gain.dataset)
    return WordGroup(
        POOLED,
        main.gain.mask,
        main.gain.model,
        same[0].over,
        len(main.repaired),
        len(main.broken),
        _in_turn([group.shown_repaired for group in same]),
        _in_turn([group.shown_broken for group in same]),
    )


def _in_turn(lists: Sequence[Sequence[WordPicture]]) -> list[WordPicture]:
    turns = [(place, number) for number, words in enumerate(lists) for place in range(len(words))]
    return [lists[number][place] for place, number in sorted(turns)]


def _facts(settings: Evaluation, results: Sequence[EvaluationResult]) -> dict[str, str]:
    facts = {"segrec": VERSION, "torch": torch.__version__, "python": platform.python_version()}
    facts |= {"seed": str(settings.seed)}
    facts |= {f"{name}: SHA-256 of the words": WordLmdb(path).digest for name, path in settings.data.items()}
    for name in dict.fromkeys(result.model for result in results):
        for weights in settings.models.get(name, [name]):
            facts[f"{weights}: SHA-256 of the weights"] = file_digest(resolve_weights(weights))
    return facts

"""Gains, breakdowns and checks of the masks' use, as text for people and rows for programs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from segrec.core.files import atomic_path
from segrec.evaluation.breakdown import BreakdownRow
from segrec.evaluation.compare import GAIN_COLUMNS, Gain
from segrec.evaluation.mask_check import MaskCheck
from segrec.reports.csv_rows import write_csv
from segrec.reports.layout import plain_table

EXPLANATION = """\
Both sides of a gain read the very same words. The 95% interval draws words and seeds anew; where it leaves out 0, the
gain is hardly chance. p: McNemar's test, two-sided.
"""
ONE_SEED = """\
Where a side has 1 seed, the interval covers the choice of words only and is no proof: a training with another seed may
gain more, less or nothing. Name several runs of one model as --model NAME=RUN --model NAME=RUN.
"""


def gain_text(gains: Sequence[Gain]) -> str:
    """Return the table of gains with what it means below; empty without gains."""
    if not gains:
        return ""
    head = ("dataset", "model", "mask", "over", "gain", "95% interval", "p", "seeds", "words")
    rows = [
        (
            gain.dataset,
            gain.model,
            gain.mask,
            gain.over,
            f"{100 * gain.mean:+.2f}",
            f"{100 * gain.low:+.2f} to {100 * gain.high:+.2f}",
            "<0.001" if gain.p < 0.001 else f"{gain.p:.3f}",
            str(gain.seeds) if gain.seeds == gain.over_seeds else f"{gain.seeds} over {gain.over_seeds}",
            str(gain.words),
        )
        for gain in gains
    ]
    one = ONE_SEED if any(1 in (gain.seeds, gain.over_seeds) for gain in gains) else ""
    return f"Gains in accuracy, in percentage points:\n\n{plain_table(head, rows, numbers=5)}\n{EXPLANATION}{one}"


def write_gains(path: str, gains: Sequence[Gain]) -> None:
    """Write a CSV file with a row a gain, in percentage points.

    Raises:
        DataError: it cannot be written.
    """
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="") as handle:
        write_csv(handle, GAIN_COLUMNS, (gain.row() for gain in gains))


def breakdown_text(rows: Sequence[BreakdownRow]) -> str:
    """Return a table for each dataset and way to group its words, a column for each model and mask."""
    parts = []
    for (dataset, by, coverage_of), group in groupby(rows, key=lambda row: (row.dataset, row.by, row.coverage_of)):
        members = list(group)
        readers = list(dict.fromkeys((row.mask, row.model) for row in members))
        cells = {(row.group, row.mask, row.model): f"{100 * row.accuracy:.2f}" for row in members}
        words = {row.group: str(row.words) for row in members}
        lines = [(name, count, *(cells[name, mask, model] for mask, model in readers)) for name, count in words.items()]
        what = {"height": "crop height", "length": "word length", "coverage": f"text share of {coverage_of} mask"}[by]
        head = (what, "words", *_reader_names(readers))
        parts.append(f"{dataset}: accuracy % by {what}\n\n{plain_table(head, lines, numbers=len(head) - 1)}")
    return "\n".join(parts)


def _reader_names(readers: Sequence[tuple[str, str]]) -> list[str]:
    """Return a heading for each (mask, model): the mask where that tells them apart."""
    masks = [mask for mask, _ in readers]
    return masks if len(set(masks)) == len(masks) else [f"{model} {mask}" for mask, model in readers]


def mask_check_text(checks: Sequence[MaskCheck]) -> str:
    """Return the accuracies with own, another word's and empty masks, and a verdict on each model and dataset."""
    head = ("dataset", "model", "own", "own %", "another's %", "empty %", "own over another's", "own over empty")
    rows = [
        (
            check.dataset,
            check.model,
            check.mask,
            *(f"{100 * accuracy:.2f}" for accuracy in (check.own, check.shuffled, check.zero)),
            _interval(check.over_shuffled),
            _interval(check.over_zero),
        )
        for check in checks
    ]
    verdicts = "".join(f"{check.model} on {check.dataset}: {check.verdict}.\n" for check in checks)
    title = "Does it use its mask? Accuracy with its own, with another word's and with an empty one:"
    return f"{title}\n\n{plain_table(head, rows, numbers=5)}\n{verdicts}"


def _interval(gain: Gain) -> str:
    return f"{100 * gain.mean:+.2f} ({100 * gain.low:+.2f} to {100 * gain.high:+.2f})"

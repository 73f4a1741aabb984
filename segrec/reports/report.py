"""One HTML file that shows what masks do to a recognizer's readings, and needs nothing but itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import Environment

from segrec.core.files import write_text
from segrec.evaluation.breakdown import BreakdownRow
from segrec.evaluation.compare import Gain
from segrec.evaluation.result import EvaluationResult
from segrec.reports.html import templates_of
from segrec.reports.report_page import (
    Variant,
    breakdown_tables,
    gain_table,
    score_table,
    selectable,
    signed_points,
    tiles,
)
from segrec.reports.report_words import WordGroup
from segrec.reports.sheet import Sheet

__all__ = ["Report", "Variant", "report_page", "write_report"]


@dataclass(frozen=True)
class Report:
    """What the page says, from top to bottom; empty parts are left out.

    Attributes:
        title: of the page.
        verdict: one sentence, the first thing on the page.
        results: rows of one dataset stand together.
        gains: of variants over others on the same words.
        breakdown: of which the crop's height and the word's length are shown.
        words: those that masks repaired and broke, for each dataset and variant.
        control: the variant that the verdict compares with.
        front: the group of which some words stand right below the verdict.
        sheet: words that are shown all, below those that masks repaired and broke; they are in no table.
        notes: paragraphs below the table of accuracies.
        commands: that repeat the evaluation, one per line of a shell.
        facts: seed, versions and the like, by name.
    """

    title: str
    verdict: str = ""
    results: Sequence[EvaluationResult] = ()
    gains: Sequence[Gain] = ()
    breakdown: Sequence[BreakdownRow] = ()
    words: Sequence[WordGroup] = ()
    control: Variant | None = None
    front: WordGroup | None = None
    sheet: Sheet | None = None
    notes: Sequence[str] = ()
    commands: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def report_page(report: Report) -> str:
    """Return the report as one HTML page with everything inside; equal reports give equal pages."""
    datasets, variants = selectable(report.results, report.words)
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            datasets=datasets,
            variants=variants,
            scores=score_table(report.results),
            gains=gain_table(report.gains),
            breakdowns=breakdown_tables(report.breakdown),
            front=tiles(report.front),
        )
    )


def write_report(path: str | os.PathLike[str], report: Report) -> None:
    """Write the page of `report_page` as UTF-8.

    Raises:
        DataError: the file cannot be written; an older one is then as it was.
    """
    write_text(path, report_page(report))


def _environment() -> Environment:
    """Return the templates of this package, with what they need to show numbers."""
    environment = templates_of("segrec.reports")
    environment.filters |= {"percent": _percent, "points": signed_points}
    return environment


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f}"

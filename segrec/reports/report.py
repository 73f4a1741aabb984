"""One HTML file that shows how recognizers read with each kind of mask, and keeps working without a network."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import groupby
from string import Template

from segrec.core.files import atomic_path
from segrec.reports.report_html import (
    interval_cell,
    interval_heading,
    percent,
    safe_text,
    scrolling_table,
    section,
    signed_points,
)
from segrec.reports.report_words import WordPicture, ordered, word_cards

__all__ = ["Report", "ReportGain", "ReportRow", "WordPicture", "ordered", "write_report"]


@dataclass(frozen=True)
class ReportRow:
    """The score of one dataset with one kind of mask; accuracy, ned and interval (95%) in [0, 1]."""

    dataset: str
    mask: str
    model: str
    words: int
    correct: int
    accuracy: float
    ned: float
    skipped: int
    interval: tuple[float, float]


@dataclass(frozen=True)
class ReportGain:
    """The accuracy one reader gains over another on the same words, with its 95% interval; all in [-1, 1]."""

    what: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Report:
    """What the page says, from top to bottom; empty parts are left out.

    Attributes:
        intro: paragraphs under the title.
        rows: rows of one dataset stand together.
        pictures: in any order, the page shows them as `ordered` does.
        facts: seed, steps, versions and the like, by name.
    """

    title: str
    intro: Sequence[str] = ()
    rows: Sequence[ReportRow] = ()
    gains: Sequence[ReportGain] = ()
    pictures: Sequence[WordPicture] = ()
    facts: dict[str, str] = field(default_factory=dict)


def write_report(path: str | os.PathLike[str], report: Report) -> None:
    """Write the report as one HTML file with everything inside; equal reports give equal bytes.

    Raises:
        DataError: the file cannot be written; an older one is then as it was.
        ValueError: a crop or mask has another shape or type than `WordPicture` says.
    """
    page = _PAGE.substitute(
        title=safe_text(report.title),
        style=resources.files("segrec.reports").joinpath("report.css").read_text(encoding="utf-8"),
        intro="\n".join(f"<p>{safe_text(paragraph)}</p>" for paragraph in report.intro),
        scores=_scores(report.rows) if report.rows else "",
        gains=_gains(report.gains) if report.gains else "",
        facts=_facts(report.facts) if report.facts else "",
        pictures=word_cards(report.pictures) if report.pictures else "",
    )
    with atomic_path(path) as partial:
        partial.write_bytes(page.encode("utf-8"))


_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<main>
<h1>$title</h1>
$intro
$scores
$gains
$facts
$pictures
</main>
</body>
</html>
""")


def _scores(rows: Sequence[ReportRow]) -> str:
    counted = [row for row in rows if row.words]
    start = math.floor(10 * min((row.interval[0] for row in counted), default=0.0)) / 10
    end = math.ceil(10 * max((row.interval[1] for row in counted), default=1.0)) / 10
    axis = (start, end if end > start else start + 0.1)
    bodies = []
    for dataset, group in groupby(rows, key=lambda row: row.dataset):
        members = list(group)
        best = max(row.accuracy for row in members) if len(members) > 1 else math.inf
        lines = "\n".join(_score_line(row, axis, best=row.accuracy == best) for row in members)
        title = f'<tr class="dataset"><th colspan="5" scope="rowgroup">{safe_text(dataset)}</th></tr>'
        bodies.append(f"<tbody>\n{title}\n{lines}\n</tbody>")
    ticks = [f"{100 * value:.0f}" for value in axis]
    head = (
        '<th scope="col">Mask<small>and model</small></th><th scope="col">Accuracy<small>per cent</small></th>'
        f"{interval_heading(ticks)}"
        '<th scope="col">Words read right<small>of n</small></th>'
        '<th scope="col">Similarity<small>1 \u2212 NED, per cent</small></th>'
    )
    skipped = "Words whose image is unreadable count as wrong. " if any(row.skipped for row in rows) else ""
    note = (
        '<p class="note">Accuracy is the share of words read without any error; its interval is where the accuracy on '
        f"very many such words would lie, 19 times out of 20. {skipped}Similarity gives words with few errors part of "
        "the credit (NED: normalised edit distance).</p>"
    )
    return section("accuracy", "Accuracy", note + scrolling_table("Accuracy", "scores", head, "\n".join(bodies)))


def _score_line(row: ReportRow, axis: tuple[float, float], *, best: bool) -> str:
    name = f'<th scope="row">{safe_text(row.mask)}<small>{safe_text(row.model)}</small></th>'
    if not row.words:
        return f'<tr>{name}<td colspan="4" class="nothing">no words to score</td></tr>'
    low, high = row.interval
    interval = interval_cell(f"{percent(low)} to {percent(high)}", row.interval, row.accuracy, axis)
    unreadable = f"<small>{row.skipped} unreadable</small>" if row.skipped else ""
    return (
        f"<tr{' class=best' * best}>{name}<td>{percent(row.accuracy)}</td>{interval}"
        f"<td>{row.correct} of {row.words}{unreadable}</td><td>{percent(row.ned)}</td></tr>"
    )


def _gains(gains: Sequence[ReportGain]) -> str:
    reach = max(1, math.ceil(100 * max(max(abs(gain.low), abs(gain.high)) for gain in gains))) / 100
    ticks = [signed_points(-reach), "0", signed_points(reach)]
    head = (
        '<th scope="col">Comparison</th><th scope="col">Gain<small>per cent points</small></th>'
        f"{interval_heading(ticks)}"
    )
    lines = "\n".join(_gain_line(gain, reach) for gain in gains)
    note = (
        '<p class="note">Both readers of a pair read the very same words, so luck in their choice cancels out. '
        "Where the interval leaves out 0, the difference is hardly chance in these words. Each variant was fine-tuned "
        "once; how much another seed would gain, the interval does not know.</p>"
    )
    table = scrolling_table("Gains in accuracy", "gains", head, f"<tbody>\n{lines}\n</tbody>")
    return section("gains", "Gains on the same words", note + table)


def _gain_line(gain: ReportGain, reach: float) -> str:
    kind = "better" if gain.low > 0 else "worse" if gain.high < 0 else "unclear"
    verdict = "no clear difference" if kind == "unclear" else kind
    words = f"{signed_points(gain.low)} to {signed_points(gain.high)}"
    return (
        f'<tr class="{kind}"><th scope="row">{safe_text(gain.what)}</th>'
        f'<td>{signed_points(gain.mean)}<small class="verdict">{verdict}</small></td>'
        f"{interval_cell(words, (gain.low, gain.high), gain.mean, (-reach, reach), zero=True)}</tr>"
    )


def _facts(facts: dict[str, str]) -> str:
    entries = [f"<div><dt>{safe_text(name)}</dt><dd>{safe_text(fact)}</dd></div>" for name, fact in facts.items()]
    return section("facts", "How this was made", '<dl class="facts">\n' + "\n".join(entries) + "\n</dl>")

"""What the report's templates show: tables of figures with their places on an axis, and what the page can filter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from segrec.evaluation.breakdown import BreakdownRow
from segrec.evaluation.compare import Gain
from segrec.evaluation.result import POOLED, EvaluationResult
from segrec.reports.report_words import WordGroup, WordPicture

MINUS = "\u2212"
FRONT = 6
"""Words of each kind right below the verdict."""
BREAKDOWNS = {"height": "crop height, pixels", "length": "word length, characters"}


class Variant(NamedTuple):
    """A recognizer with a kind of mask that it reads along."""

    mask: str
    model: str


class Range(NamedTuple):
    """An interval on a horizontal axis: where it begins, its point and its width, in per cent of the axis."""

    left: float
    point: float
    width: float


class ScoreLine(NamedTuple):
    """One variant's line of the table of accuracies; `row` is that of `EvaluationResult`."""

    row: dict[str, Any]
    range: Range
    best: bool


class GainLine(NamedTuple):
    """One gain; `kind` is better, worse or unclear."""

    gain: Gain
    range: Range
    kind: str


class Table(NamedTuple):
    """Lines of each dataset, and the values at the ends of their axis."""

    datasets: list[tuple[str, list[Any]]]
    axis: tuple[float, float]


class BreakdownTable(NamedTuple):
    """Accuracies of one dataset by one property of its words.

    Attributes:
        variants: of the columns.
        lines: of each group its name, its words, and each variant's row.
    """

    dataset: str
    by: str
    variants: list[Variant]
    lines: list[tuple[str, int, list[BreakdownRow]]]


def signed_points(share: float, digits: int = 1) -> str:
    """Return a difference of shares in percentage points with its sign; what rounds to zero has none."""
    points = f"{100 * abs(share):.{digits}f}"
    if float(points) == 0:
        return points
    return f"+{points}" if share > 0 else f"{MINUS}{points}"


def selectable(
    results: Sequence[EvaluationResult], words: Sequence[WordGroup]
) -> tuple[dict[str, int], dict[Variant, int]]:
    """Return a number for each dataset and for each variant that the page can be filtered by.

    All datasets together are not a dataset of their own, and variants that others are compared with are always shown.
    """
    datasets = dict.fromkeys(result.dataset for result in results if result.dataset != POOLED)
    variants = dict.fromkeys(Variant(group.mask, group.model) for group in words)
    return _numbered(datasets), _numbered(variants)


def _numbered(keys: Iterable[Any]) -> dict[Any, int]:
    return {key: number for number, key in enumerate(keys, start=1)}


def score_table(results: Sequence[EvaluationResult]) -> Table | None:
    """Return the table of accuracies, None without results."""
    if not results:
        return None
    rows = [result.row() for result in results]
    counted = [row["interval"] for row in rows if row["words"]]
    start = math.floor(10 * min((low for low, _ in counted), default=0.0)) / 10
    end = math.ceil(10 * max((high for _, high in counted), default=1.0)) / 10
    axis = (start, end if end > start else start + 0.1)
    datasets = []
    for dataset, group in groupby(rows, key=lambda row: row["dataset"]):
        members = list(group)
        best = max(row["accuracy"] for row in members) if len(members) > 1 else math.inf
        lines = [
            ScoreLine(row, _range(row["interval"], row["accuracy"], axis), row["accuracy"] == best) for row in members
        ]
        datasets.append((dataset, lines))
    return Table(datasets, axis)


def gain_table(gains: Sequence[Gain]) -> Table | None:
    """Return the table of gains, None without gains; its axis is symmetric."""
    if not gains:
        return None
    reach = max(1, math.ceil(100 * max(max(abs(gain.low), abs(gain.high)) for gain in gains))) / 100
    datasets = [
        (dataset, [_gain_line(gain, (-reach, reach)) for gain in group])
        for dataset, group in groupby(gains, key=lambda gain: gain.dataset)
    ]
    return Table(datasets, (-reach, reach))


def _gain_line(gain: Gain, axis: tuple[float, float]) -> GainLine:
    kind = "better" if gain.low > 0 else "worse" if gain.high < 0 else "unclear"
    return GainLine(gain, _range((gain.low, gain.high), gain.mean, axis), kind)


def _range(interval: Sequence[float], middle: float, axis: tuple[float, float]) -> Range:
    start, end = axis
    left, point, right = (100 * (value - start) / (end - start) for value in (interval[0], middle, interval[1]))
    return Range(left, point, right - left)


def breakdown_tables(rows: Sequence[BreakdownRow]) -> list[BreakdownTable]:
    """Return a table for each dataset and property in `BREAKDOWNS`."""
    tables = []
    for (dataset, by), members in groupby(rows, key=lambda row: (row.dataset, row.by)):
        if by not in BREAKDOWNS:
            continue
        groups = [(name, list(group)) for name, group in groupby(members, key=lambda row: row.group)]
        variants = [Variant(row.mask, row.model) for row in groups[0][1]]
        lines = [(name, group[0].words, group) for name, group in groups]
        tables.append(BreakdownTable(dataset, BREAKDOWNS[by], variants, lines))
    return tables


def tiles(group: WordGroup | None) -> list[tuple[str, int, Sequence[WordPicture]]]:
    """Return the first words of a group for the head of the page: a title, how many words there are, and some."""
    if group is None:
        return []
    parts = [("Repaired", group.repaired, group.shown_repaired), ("Broken", group.broken, group.shown_broken)]
    return [(title, count, words[:FRONT]) for title, count, words in parts]

"""The flagship's rows as one JSON, in the form of `segrec eval --format json`, and as a table."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flagship_rows import Arm, Flagship, arms_of
from results_table import table

from segrec.core.files import atomic_path, write_json
from segrec.evaluation.compare import gains
from segrec.evaluation.result import EvaluationResult, pooled
from segrec.evaluation.scoring import LabelRule, Scored, WordOutcome

FILE = Arm("file", masked=False)


def write_report(flagship: Flagship, variants: Sequence[str], output: Path) -> None:
    """Write what is known so far: OUTPUT, and the table of gains over the equal control as `.md` beside it."""
    found = _results(flagship, FILE, [0])
    report: dict[str, Any] = {
        "model": flagship.pretrained,
        "steps": flagship.steps,
        "batch_size": flagship.batch_size,
        "results": [],
        "pooled": [],
        "gains": [],
        "gains_over_file": [],
        "speed": {},
    }
    _add(report, flagship, found)
    for variant in variants:
        seeds = _finished(flagship, variant)
        control, masked = (_results(flagship, arm, seeds) for arm in arms_of(variant))
        if not seeds:
            continue
        together = [*control, *masked]
        _add(report, flagship, together)
        report["gains"] += _gains(flagship, together, over=control[0].asked)
        report["gains_over_file"] += _gains(flagship, [*found, *together], over=FILE.name)
        for arm in arms_of(variant):
            report["speed"][arm.name] = [flagship.speed(arm, seed) for seed in seeds]
    write_json(output, report)
    if report["gains"]:
        with atomic_path(output.with_suffix(".md")) as partial:
            partial.write_text(table([output]) + "\n", encoding="utf-8")


def _finished(flagship: Flagship, variant: str) -> list[int]:
    """Return the seeds with which both sides were read."""
    files = [set((flagship.work / "rows").glob(f"{arm.name}-seed-*.jsonl")) for arm in arms_of(variant)]
    numbers = [{int(file.stem.rpartition("-")[2]) for file in side} for side in files]
    return sorted(numbers[0] & numbers[1])


def _add(report: dict[str, Any], flagship: Flagship, results: Sequence[EvaluationResult]) -> None:
    """Add the rows of results that are not there yet: a control may serve several variants."""
    for name, found in (("results", results), ("pooled", pooled(_whole(flagship, results)))):
        rows = [result.row() for result in found]
        report[name] += [row for row in rows if row not in report[name]]


def _gains(flagship: Flagship, results: Sequence[EvaluationResult], *, over: str) -> list[dict[str, Any]]:
    everything = [*results, *pooled(_whole(flagship, results))]
    found = gains(everything, over=over)
    return [gain.row() for gain in found if gain.over_model == over]


def _whole(flagship: Flagship, results: Sequence[EvaluationResult]) -> list[EvaluationResult]:
    """Return the results on words that are no corrupted copies, which are the same words again."""
    return [result for result in results if result.dataset not in flagship.corrupted]


def _results(flagship: Flagship, arm: Arm, seeds: Sequence[int]) -> list[EvaluationResult]:
    """Return one result a test set; a fusion that only ever saw empty masks counts as reading without."""
    rows = [_read(flagship.readings(arm, seed)) for seed in seeds]
    return [
        EvaluationResult(
            name,
            arm.mask if arm.masked else "none",
            arm.name,
            rows[0][name],
            tuple(row[name] for row in rows[1:]),
            asked=arm.name,
            takes_mask=arm.masked,
        )
        for name in (flagship.tests if rows else ())
    ]


def _read(file: Path) -> dict[str, Scored]:
    """Return the scores by test set of lines that `segrec eval --predictions` wrote."""
    rule, scores = LabelRule(), defaultdict(Scored)
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        fields = {name: row[name] for name in WordOutcome.__dataclass_fields__}
        outcome, scored = WordOutcome(**fields), scores[row["dataset"]]
        scored.outcomes.append(outcome)
        if outcome.problem is None:
            scored.score.add(outcome.text, rule(outcome.label))
        else:
            scored.score.add_unreadable(rule(outcome.label))
    return dict(scores)

"""The report of an evaluation as markdown, JSON and CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segrec.core.files import json_text
from segrec.core.tables import csv_table, markdown_table
from segrec.evaluation.breakdown import breakdown
from segrec.evaluation.compare import gains
from segrec.evaluation.mask_check import mask_checks
from segrec.evaluation.result import EvaluationResult, pooled
from segrec.reports.gain_tables import breakdown_text, gain_text, mask_check_text
from segrec.weights import SHIPPED

HEAD = ("dataset", "mask", "model", "words", "correct", "accuracy %", "95% interval", "1-NED %", "unreadable")


def results_text(
    results: Sequence[EvaluationResult],
    output_format: str,
    *,
    model: str | None = None,
    models: Mapping[str, Sequence[str]] | None = None,
    over: str | None = None,
    by_groups: bool = False,
    mask_check: bool = False,
) -> str:
    """Return the report as text that ends with a newline.

    CSV has the table of accuracies alone; `segrec.reports.gain_tables.write_gains` writes the gains to a file of their
    own.

    Args:
        results: what `evaluate` returned.
        output_format: `markdown`, `json` or `csv`.
        model: the model that was asked for; None stands for the shipped ones.
        models: the weights of several models by their names, in place of `model`.
        over: the model that the others are compared with, see `segrec.evaluation.compare.gains`.
        by_groups: also show the accuracy by crop height, word length and mask coverage.
        mask_check: also say whether the models use their masks; the results are of an evaluation with `mask_check`.
    """
    together = pooled(results)
    everything = [*results, *together]
    if output_format == "csv":
        return _csv([result.row() for result in everything])
    found = gains(everything, over=over)
    if output_format == "json":
        report = _named(model, models)
        report["results"] = [result.row() for result in results]
        if together:
            report["pooled"] = [result.row() for result in together]
        report["gains"] = [gain.row() for gain in found]
        if by_groups:
            report["breakdown"] = [row.row() for row in breakdown(everything)]
        if mask_check:
            report["mask_check"] = [check.row() for check in mask_checks(everything)]
        return json_text(report)
    parts = [markdown([result.row() for result in everything]), gain_text(found)]
    if by_groups:
        parts.append(breakdown_text(breakdown(together or results)))
    if mask_check:
        parts.append(mask_check_text(mask_checks(everything)))
    return "\n".join(part for part in parts if part)


def _named(model: str | None, models: Mapping[str, Sequence[str]] | None) -> dict[str, Any]:
    if not models:
        return {"model": model or SHIPPED}
    return {"model": ", ".join(models), "models": {name: list(weights) for name, weights in models.items()}}


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return a markdown table; accuracy, its 95% interval and 1 - NED are in per cent.

    Where a row is of several seeds, a column says of how many, and one the spread of their accuracies.
    """
    seeded = any(row["seeds"] > 1 for row in rows)
    head = (*HEAD, "seeds", "lowest to highest %") if seeded else HEAD
    cells = [_cells(row) + (_seed_cells(row) if seeded else ()) for row in rows]
    return markdown_table(head, cells, numbers=len(head) - 3)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = row["interval"]
    return (
        row["dataset"],
        row["mask"],
        row["model"],
        str(row["words"]),
        str(row["correct"]) if row["seeds"] == 1 else f"{row['correct']:.1f}",
        f"{100 * row['accuracy']:.2f}",
        f"{100 * low:.1f} to {100 * high:.1f}",
        f"{100 * row['ned']:.2f}",
        str(row["skipped"]),
    )


def _seed_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    accuracies = row["accuracies"]
    spread = f"{100 * min(accuracies):.2f} to {100 * max(accuracies):.2f}" if row["seeds"] > 1 else ""
    return str(row["seeds"]), spread


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    flat = [{**row, "low": row["interval"][0], "high": row["interval"][1]} for row in rows]
    return csv_table(flat, [name for name in flat[0] if name not in ("interval", "accuracies")] if flat else [])

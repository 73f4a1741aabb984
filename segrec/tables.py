"""Result tables as markdown, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from segrec.jobs.compare import Gain, gains
from segrec.jobs.evaluate import EvaluationResult


def print_results(results: Sequence[EvaluationResult], output_format: str, *, model: str | None = None) -> str:
    """Return the table as text that ends with a newline.

    Args:
        results: what `evaluate` returned.
        output_format: `markdown`, `json` or `csv`.
        model: the model that was asked for; None stands for the shipped ones.
    """
    rows = [result.row() for result in results]
    if output_format == "json":
        return json.dumps({"model": model or "shipped", "results": rows}, indent=2) + "\n"
    if output_format == "csv":
        return _csv(rows)
    return markdown(rows) + "".join(f"\n{line}\n" for line in map(_sentence, gains(results)))


def _sentence(gain: Gain) -> str:
    return (
        f"{gain.dataset}: {gain.mask} masks over {gain.over}: {100 * gain.mean:+.2f} points "
        f"(95% interval {100 * gain.low:+.2f} to {100 * gain.high:+.2f}, paired, n = {gain.words})"
    )


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return a markdown table; accuracy, its 95% interval and 1 - NED are in per cent."""
    lines = [
        "| dataset | mask | model | words | correct | accuracy % | 95% interval | 1-NED % | unreadable |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        low, high = row["interval"]
        lines.append(
            f"| {row['dataset']} | {row['mask']} | {row['model']} | {row['words']} | {row['correct']} "
            f"| {100 * row['accuracy']:.2f} | {100 * low:.1f} to {100 * high:.1f} "
            f"| {100 * row['ned']:.2f} | {row['skipped']} |"
        )
    return "\n".join(lines) + "\n"


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    flat = [{**row, "low": row["interval"][0], "high": row["interval"][1]} for row in rows]
    columns = [name for name in flat[0] if name != "interval"] if flat else []
    writer = csv.DictWriter(buffer, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return buffer.getvalue()

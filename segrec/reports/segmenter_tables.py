"""Scores of segmenters as markdown, JSON and CSV: tables of means, and a file with a row per image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from segrec.core.errors import ConfigError
from segrec.core.files import json_text
from segrec.core.tables import csv_table, markdown_table, write_records
from segrec.evaluation.segmenter_result import SegmenterResult, by_height, figures

SWEEP_STEP = 16
"""The markdown table shows one of this many thresholds; JSON and CSV have all."""

_KEYS = ("segmenter", "data", "image", "target")
_COUNTS = ("true_positive", "false_positive", "false_negative")


def segmenters_text(results: Sequence[SegmenterResult], output_format: str, *, heights: bool = False) -> str:
    """Return the report as text that ends with a newline.

    Args:
        results: what `evaluate_segmenter` returned; swept thresholds are shown where it has them.
        output_format: `markdown`, `json` or `csv`.
        heights: also show the score by the images' height.
    """
    if output_format == "json":
        return json_text({"results": [_nested(result, heights) for result in results]})
    if output_format == "csv":
        return csv_table(row for result in results for row in _flat(result, heights))
    parts = [_main_table(results)]
    if any(result.top1 is not None for result in results):
        parts.append(_comparison(results))
    if any(result.scored.sweep is not None for result in results):
        parts += [_best_table(results), _sweep_table(results)]
    if heights:
        parts.append(_height_table(results))
    return "\n".join(parts)


def _nested(result: SegmenterResult, heights: bool) -> dict[str, Any]:
    row = result.row()
    if result.scored.sweep is not None:
        row["sweep"] = [point._asdict() for point in result.scored.sweep.points()]
    if heights:
        row["by_height"] = [
            {"height": label, "images": score.images, **figures(score)} for label, score in by_height(result).items()
        ]
    return row


def _flat(result: SegmenterResult, heights: bool) -> Iterator[dict[str, Any]]:
    """Yield the row of a result, whose `height` is `all`, then those of its groups by height and of its thresholds."""
    names = {"segmenter": result.segmenter, "data": result.data, "target": result.target}
    row = result.row()
    yield {**names, "height": "all", **row}
    if heights:
        for label, score in by_height(result).items():
            yield {**names, "height": label, "images": score.images, "threshold": result.threshold, **figures(score)}
    if result.scored.sweep is not None:
        for point in result.scored.sweep.points():
            yield {**names, "height": "all", "images": row["images"], **point._asdict()}


def _main_table(results: Sequence[SegmenterResult]) -> str:
    heads = ["segmenter", "data", "target"]
    numbers = ["images", "P %", "R %", "F1 %", "F of mean P, R %", "pooled P %", "pooled R %", "fgIoU %"]
    rows = []
    for result in results:
        score = result.scored.score
        values = (score.precision, score.recall, score.f1, score.f1_of_means)
        pooled = (score.pooled_precision, score.pooled_recall, score.pooled_iou)
        ignored = sum(image.ignored for image in result.scored.images)
        figures = [_percent(value) if score.images else "" for value in (*values, *pooled)]
        cells = [str(score.images), *figures, str(ignored), str(len(result.problems))]
        rows.append([*_names(result), *cells])
    table = _table(heads, [*numbers, "ignored pixels", "skipped"], rows)
    thresholds = ", ".join(sorted({f"{result.threshold:g}" for result in results}))
    return (
        table
        + f"\nThreshold {thresholds}; each image at its own size. P, R and F1 are means over images, "
        + "fgIoU and pooled P and R are over the pixels of all images.\n"
    )


def _comparison(results: Sequence[SegmenterResult]) -> str:
    rows = []
    first: dict[tuple[str, str], str] = {}
    for result in results:
        over = first.setdefault((result.data, result.target), result.segmenter)
        gain = result.difference
        points = "" if gain is None else f"{100 * gain.mean:+.2f} ({100 * gain.low:+.2f} to {100 * gain.high:+.2f})"
        share = "" if result.top1 is None else _percent(result.top1)
        wins = "" if result.top1 is None else f"{result.top1 * len(result.scored.images):.6g}"
        rows.append([*_names(result), share, wins, points, "" if gain is None else over])
    heads = ["F1 Top-1 %", "images won", "F1 gain, points (95% interval)", "over"]
    return _table(["segmenter", "data", "target"], heads, rows)


def _best_table(results: Sequence[SegmenterResult]) -> str:
    rows = []
    for result in results:
        if result.scored.sweep is not None:
            by_f1, by_iou = result.scored.sweep.best("f1"), result.scored.sweep.best("pooled_iou")
            rows.append(
                [
                    *_names(result),
                    f"{by_f1.threshold:.3f}",
                    _percent(by_f1.f1),
                    f"{by_iou.threshold:.3f}",
                    _percent(by_iou.pooled_iou),
                ]
            )
    heads = ["best threshold for F1", "F1 % there", "best threshold for fgIoU", "fgIoU % there"]
    return (
        _table(["segmenter", "data", "target"], heads, rows)
        + "\nThe best thresholds were found on these very images; choose a threshold on other ones.\n"
    )


def _sweep_table(results: Sequence[SegmenterResult]) -> str:
    rows = []
    for result in results:
        if result.scored.sweep is not None:
            for point in result.scored.sweep.points()[SWEEP_STEP::SWEEP_STEP]:
                rows.append([*_names(result), f"{point.threshold:.4g}", *map(_percent, point[1:])])
    return _table(["segmenter", "data", "target"], ["threshold", "P %", "R %", "F1 %", "fgIoU %"], rows)


def _height_table(results: Sequence[SegmenterResult]) -> str:
    rows = []
    for result in results:
        for label, score in by_height(result).items():
            values = (score.precision, score.recall, score.f1, score.pooled_iou)
            cells = map(_percent, values) if score.images else [""] * len(values)
            rows.append([*_names(result), label, str(score.images), *cells])
    return _table(["segmenter", "data", "target"], ["height", "images", "P %", "R %", "F1 %", "fgIoU %"], rows)


def _names(result: SegmenterResult) -> list[str]:
    return [result.segmenter, result.data, result.target]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _table(names: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a markdown table; the columns `numbers`, after the columns `names`, are aligned to the right."""
    return markdown_table([*names, *numbers], rows, numbers=len(numbers))


def check_rows_file(path: str) -> None:
    """Refuse a file whose suffix is neither .csv nor .jsonl.

    Raises:
        ConfigError: it is another one.
    """
    if Path(path).suffix.lower() not in (".csv", ".jsonl"):
        raise ConfigError(f"--rows writes .csv or .jsonl, got {path}; name a file with one of these suffixes")


def write_scores_by_image(path: str, results: Sequence[SegmenterResult]) -> None:
    """Write one row per image, target and segmenter, as CSV or JSON lines by the file's suffix.

    Raises:
        DataError: the file cannot be written.
    """
    columns = [*_KEYS, "height", "width", "precision", "recall", "f1", *_COUNTS, "text_pixels", "ignored_pixels"]
    write_records(path, _scores_by_image(results), columns)


def _scores_by_image(results: Sequence[SegmenterResult]) -> Iterator[dict[str, Any]]:
    for result in results:
        for image in result.scored.images:
            counts = image.counts
            yield {
                **dict(zip(_KEYS, (result.segmenter, result.data, image.name, result.target), strict=True)),
                "height": image.height,
                "width": image.width,
                "precision": counts.precision,
                "recall": counts.recall,
                "f1": counts.f1,
                **counts._asdict(),
                "text_pixels": counts.true_positive + counts.false_negative,
                "ignored_pixels": image.ignored,
            }

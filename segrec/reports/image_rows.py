"""The score of every single image as a file of rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from segrec.core.errors import ConfigError
from segrec.core.files import atomic_path
from segrec.evaluation.segmenter_result import SegmenterResult

_KEYS = ("segmenter", "data", "image", "target")
_COUNTS = ("true_positive", "false_positive", "false_negative")


def check_rows_file(path: str) -> None:
    """Refuse a file whose suffix is neither .csv nor .jsonl.

    Raises:
        ConfigError: it is another one.
    """
    if Path(path).suffix.lower() not in (".csv", ".jsonl"):
        raise ConfigError(f"--rows writes .csv or .jsonl, got {path}; name a file with one of these suffixes")


def write_image_rows(path: str, results: Sequence[SegmenterResult]) -> None:
    """Write one row an image, target and segmenter, as CSV or JSON lines by the file's suffix.

    Raises:
        DataError: the file cannot be written.
    """
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="") as handle:
        if Path(path).suffix.lower() == ".jsonl":
            handle.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in _image_rows(results))
            return
        columns = [*_KEYS, "height", "width", "precision", "recall", "f1", *_COUNTS, "text_pixels", "ignored_pixels"]
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_image_rows(results))


def _image_rows(results: Sequence[SegmenterResult]) -> Iterator[dict[str, Any]]:
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

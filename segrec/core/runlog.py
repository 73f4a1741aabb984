"""Progress bars, messages and the machine-readable log of a run."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from segrec.core.errors import DataError
from segrec.core.files import atomic_path

LOGGER = logging.getLogger("segrec")
"""Messages for people; the command line sends them to stderr, a library user decides for himself."""


def progress_bar(total: int | None, description: str, unit: str, *, initial: int = 0) -> Any:
    """Return a tqdm bar on stderr that shows only on a terminal and not when messages are silenced."""
    silent = True if not LOGGER.isEnabledFor(logging.INFO) else None
    return tqdm(total=total, initial=initial, desc=description, unit=unit, disable=silent, dynamic_ncols=True)


def append_jsonl(path: str | os.PathLike[str], row: Mapping[str, Any]) -> None:
    """Add one line to a `.jsonl` file.

    Raises:
        DataError: the file cannot be written or the disk is full.
    """
    try:
        with open(path, "a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}; free space, then run again") from error


def rewind_jsonl(path: str | os.PathLike[str], last_step: int) -> None:
    """Drop the rows after `last_step`, and a half-written last row, so that a resumed run does not log twice."""
    file = Path(path)
    if not file.exists():
        return
    kept = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if row["step"] <= last_step:
            kept.append(line + "\n")
    with atomic_path(file) as partial:
        partial.write_text("".join(kept), encoding="utf-8")

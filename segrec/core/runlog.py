"""Progress bars, messages and the machine-readable log of a run."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from segrec.core.errors import DataError
from segrec.core.files import atomic_path
from segrec.core.regular import MOST_LOG_BYTES, read_regular_text, require_regular

LOGGER = logging.getLogger("segrec")
"""Messages for people; the command line sends them to stderr, a library user decides for himself."""


LOG_EVERY = 60.0
"""Seconds between two messages on how far a long job has come, where stderr is no terminal."""
LOG_FORMAT = (
    "{desc}: {n_fmt} of {total_fmt} ({percentage:.1f}%), {rate_fmt}, {elapsed} so far, {remaining} left{postfix}"
)


def progress_bar(total: int, description: str, unit: str, *, initial: int = 0, shown: bool = True) -> Any:
    """Return a tqdm bar on stderr; where that is no terminal, a message each minute; nothing when silenced.

    Args:
        total: of units.
        description: of what is done to them.
        unit: in the singular.
        initial: units that were done before.
        shown: whether to show anything; of several processes at the same work, one does.
    """
    settings: dict[str, Any] = {"total": total, "initial": initial, "desc": description, "unit": f" {unit}"}
    if not shown or not LOGGER.isEnabledFor(logging.INFO):
        return tqdm(**settings, disable=True)
    if sys.stderr is not None and sys.stderr.isatty():
        return tqdm(**settings, dynamic_ncols=True)
    return _LoggedProgress(**settings, file=io.StringIO(), bar_format=LOG_FORMAT, delay=LOG_EVERY, miniters=1)


class _LoggedProgress(tqdm):
    """A bar that is a line of the log each minute; a job that ends within the first one says nothing."""

    monitor_interval = 0  # without the thread that redraws bars that stand still
    _said = 0.0

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Log the state, unless that was done within the last minute; tqdm calls this whenever it would draw."""
        now = time.time()
        if now - max(self._said, self.start_t) >= LOG_EVERY:
            self._said = now
            LOGGER.info("%s", self.format_meter(**self.format_dict))


def append_jsonl(path: str | os.PathLike[str], row: Mapping[str, Any]) -> None:
    """Add one line to a `.jsonl` file.

    Raises:
        DataError: the file cannot be written or the disk is full.
    """
    try:
        if os.path.exists(path):
            require_regular(path)
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
    for line in read_regular_text(file, most=MOST_LOG_BYTES).splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if row["step"] <= last_step:
            kept.append(line + "\n")
    with atomic_path(file) as partial:
        partial.write_text("".join(kept), encoding="utf-8")

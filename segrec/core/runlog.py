"""Progress bars, messages and the machine-readable log of a run."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from tqdm import tqdm

from segrec.core.errors import DataError
from segrec.core.files import write_bytes
from segrec.core.foreign_json import parse_json
from segrec.core.printable import printable
from segrec.core.regular import MOST_LOG_BYTES, open_regular, require_regular

LOGGER = logging.getLogger("segrec")
"""Messages for people; the command line sends them to stderr, a library user decides for himself."""


MOST_ROWS, _LONGEST_ROW = 1_000_000, 1_000_000
"""Of the log of a run, and bytes of one of them."""
LOG_EVERY = 60.0
"""Seconds between two messages on how far a long job has come, where stderr is not a terminal."""
LOG_FORMAT = (
    "{desc}: {n_fmt} of {total_fmt} ({percentage:.1f}%), {rate_fmt}, {elapsed} so far, {remaining} left{postfix}"
)


class ProgressBar(Protocol):
    """What says how far a job has come; on leaving its `with` it is done.

    Attributes:
        n: units done so far.
        disable: whether nothing is shown.
    """

    n: int
    disable: bool

    def __enter__(self) -> Self:
        """Return the bar."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> object:
        """Say the last state."""
        ...

    def update(self, n: int = 1) -> object:
        """Count more units."""
        ...

    def set_postfix(self, **values: str) -> object:
        """Show values behind the bar."""
        ...


def progress_bar(total: int, description: str, unit: str, *, initial: int = 0, shown: bool = True) -> ProgressBar:
    """Return a tqdm bar on stderr; where that is not a terminal, a message each minute; nothing when silenced.

    Args:
        total: of units.
        description: of what is done to them; what cannot be printed in it is escaped.
        unit: in the singular.
        initial: units that were done before.
        shown: whether to show anything; of several processes at the same work, one does.
    """
    description = printable(description)
    silent = not shown or not LOGGER.isEnabledFor(logging.INFO)
    if not silent and (sys.stderr is None or not sys.stderr.isatty()):
        return _LoggedProgress(total, description, unit, initial)
    bar: ProgressBar = tqdm(
        total=total, initial=initial, desc=description, unit=f" {unit}", disable=silent, dynamic_ncols=True
    )
    return bar


class _LoggedProgress:
    """A bar that is a line of the log each minute; a job that ends within the first one says nothing."""

    disable = False

    def __init__(self, total: int, description: str, unit: str, initial: int) -> None:
        self.n = initial
        self._total, self._description, self._unit, self._initial = total, description, unit, initial
        self._postfix = ""
        self._began = self._said = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._say()

    def update(self, n: int = 1) -> None:
        self.n += n
        self._say()

    def set_postfix(self, **values: str) -> None:
        self._postfix = ", ".join(f"{name}={value}" for name, value in values.items())

    def _say(self) -> None:
        """Log the state, unless that was done within the last minute."""
        now = time.monotonic()
        if now - self._said < LOG_EVERY:
            return
        self._said = now
        line = tqdm.format_meter(
            self.n,
            self._total,
            now - self._began,
            prefix=self._description,
            unit=f" {self._unit}",
            bar_format=LOG_FORMAT,
            postfix=self._postfix,
            initial=self._initial,
        )
        LOGGER.info("%s", line)


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
    kept = [line.rstrip() + b"\n" for line, row in log_rows(file) if row is not None and row["step"] <= last_step]
    write_bytes(file, b"".join(kept))


def log_rows(path: str | os.PathLike[str]) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    """Yield the lines of a log with their rows; of the first line that is not a row, which is the last, None.

    Raises:
        DataError: it is not a regular file, or larger than a log.
        OSError: it cannot be read.
    """
    with open_regular(path, most=MOST_LOG_BYTES) as file:
        for _ in range(MOST_ROWS):
            line = file.readline(_LONGEST_ROW)
            row = _row_of(line)
            if line:
                yield line, row
            if row is None:
                return
        raise DataError(f"{path} has more than {MOST_ROWS:,} rows; is it the right one?")


def _row_of(line: bytes) -> dict[str, Any] | None:
    try:
        row = parse_json(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("step"), int) else None

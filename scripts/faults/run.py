"""A segrec command in a process of its own that can be signalled, and what became of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
TIMEOUT = 300.0
"""Seconds after which a run counts as hanging."""


class Ended(NamedTuple):
    """How a run ended: its exit code (the negative number of a signal), what it said, its peak of memory in bytes."""

    code: int
    said: str
    peak: int


class Run:
    """`segrec ARGUMENTS` in a process of its own.

    Args:
        arguments: the command and its options.
        log: the file for what it says.
        before: a command that starts it in a special place.
    """

    def __init__(self, arguments: Sequence[str], log: Path, *, before: Sequence[str] = ()) -> None:
        command = [*before, sys.executable, "-m", "segrec", *arguments]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self._log = log
        with open(log, "wb") as handle:
            self._process = subprocess.Popen(
                command,
                stdout=handle,
                stderr=handle,
                env=environment,
                start_new_session=True,
                preexec_fn=_interruptible,
            )
        self._ended: tuple[int, int] | None = None

    @property
    def process(self) -> int:
        """Its number."""
        return self._process.pid

    def running(self) -> bool:
        """Return whether it has not ended yet."""
        if self._ended is None:
            process, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if process:
                unit = 1 if sys.platform == "darwin" else 1024
                self._ended = os.waitstatus_to_exitcode(status), usage.ru_maxrss * unit
                self._process.returncode = self._ended[0]
        return self._ended is None

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Return once it has happened, or the run has ended."""
        end = time.monotonic() + TIMEOUT
        while self.running() and not happened():
            if time.monotonic() > end:
                self.send(signal.SIGKILL)
            time.sleep(0.002)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it, if it still runs."""
        if self.running():
            os.killpg(self._process.pid, number)

    def pause(self, seconds: float) -> None:
        """Let it work on for a while."""
        end = time.monotonic() + seconds
        self.wait_until(lambda: time.monotonic() >= end)

    def ended(self) -> Ended:
        """Wait for its end."""
        self.wait_until(lambda: False)
        assert self._ended is not None
        return Ended(self._ended[0], self._log.read_text(encoding="utf-8", errors="replace"), self._ended[1])


def _interruptible() -> None:
    """Restore what a shell takes from background jobs."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

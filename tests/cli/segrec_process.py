"""Running the segrec command line in this process, in a fresh one, and in one that can be killed cheaply."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
PATIENCE = 120.0
"""Seconds after which a process that does nothing fails its test."""


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def fresh(*arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> Outcome:
    """Return the outcome of `python -m segrec ARGUMENTS` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "segrec", *arguments],
        cwd=cwd,
        env={**ENVIRONMENT, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


class Killable:
    """A segrec command in a process that can be killed; it starts quickly because torch is loaded beforehand.

    Args:
        arguments: of the command line.
        log: the file that gets stdout and stderr.
        small: `chunk` words a transaction, `checkpoint` and `log` steps, all few so that little work shows much; and
            `room`, bytes that a file may have, as if the disk were full beyond.
    """

    def __init__(self, arguments: Sequence[str], log: Path, *, small: Mapping[str, int]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["torch", "torch._dynamo", "segrec.jobs.demo"])
        self.log = log
        self._process = context.Process(target=_run, args=(list(arguments), str(log), dict(small)))
        self._process.start()
        self.wait_until(self._leads_its_group)

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def _leads_its_group(self) -> bool:
        try:
            return os.getpgid(self._process.pid or 0) == self._process.pid
        except ProcessLookupError:
            return True

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Return once it has happened or the process has ended."""
        end = time.monotonic() + PATIENCE
        while self.running and not happened():
            assert time.monotonic() < end, f"nothing happened: {self.log.read_text()}"
            time.sleep(0.001)

    def send(self, number: signal.Signals) -> int:
        """Send a signal to the command and its workers, as a terminal does, and return its exit code."""
        if self.running:
            os.killpg(self._process.pid or 0, number)
        return self.join()

    def join(self) -> int:
        """Return the exit code; the negative signal number when a signal ended it."""
        self._process.join(PATIENCE)
        assert self._process.exitcode is not None, f"still running: {self.log.read_text()}"
        return self._process.exitcode


def _run(arguments: list[str], log: str, small: dict[str, int]) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
    with open(log, "ab") as handle:
        os.dup2(handle.fileno(), 1)
        os.dup2(handle.fileno(), 2)
    if "room" in small:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (small["room"], small["room"]))
    from segrec.cli import main
    from segrec.jobs import precompute, recognizer_fit

    if "chunk" in small:
        precompute.CHUNK = small["chunk"]
    if "checkpoint" in small and arguments[0] == "finetune":
        arguments = [*arguments, "--checkpoint-every", str(small["checkpoint"])]
    if "log" in small:
        recognizer_fit.LoopSettings = partial(recognizer_fit.LoopSettings, log_every=small["log"])
    code = main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)

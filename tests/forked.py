"""A function in a process of its own that starts at once: it is forked from a process that has loaded torch already."""

from __future__ import annotations

import math
import multiprocessing
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PRELOADED = ["pytest", "torch", "torch._dynamo", "segrec.jobs.demo", "segrec.data.masks.writer"]
TIMEOUT = 120.0
"""Seconds after which a process that does nothing fails its test."""
LEAST = 1.0
"""Processor seconds within that time which are not nothing."""


class Forked:
    """A process, with its children, that runs a function and that a test may kill.

    Args:
        function: of a module that can be imported; a number that it returns is the exit code, and a
            `KeyboardInterrupt` out of it is the exit code `INTERRUPTED`.
        arguments: of the function; they travel pickled.
        log: the file that gets stdout and stderr.
        errors: the file that gets stderr, where it is another.
        environment: what is to be added to the environment.
        room: bytes that a file may have, as if the disk were full beyond; 0 for no limit.
    """

    INTERRUPTED = 130

    def __init__(
        self,
        function: Callable[..., Any],
        *arguments: object,
        log: Path,
        errors: Path | None = None,
        environment: Mapping[str, str] | None = None,
        room: int = 0,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self.log, self.errors = log, errors or log
        settings = (str(log), str(self.errors), dict(environment or {}), room)
        self._process = context.Process(target=_run, args=(function, arguments, *settings))
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

    def said(self) -> str:
        """Return what stands in its log so far."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Return once it has happened or the process has ended."""
        end = time.monotonic() + TIMEOUT
        while self.running and not happened():
            assert time.monotonic() < end, f"nothing happened: {self.said()}"
            time.sleep(0.001)

    def _computed(self) -> float:
        """Return the processor seconds that it took so far."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            return math.inf
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Let it stand still until a signal is sent."""
        os.killpg(self._process.pid or 0, signal.SIGSTOP)

    def send(self, number: signal.Signals) -> int:
        """Send a signal to the process and its children, as a terminal does, and return its exit code."""
        if self.running:
            os.killpg(self._process.pid or 0, number)
        return self.join()

    def join(self) -> int:
        """Return the exit code; the negative signal number when a signal ended it."""
        computed = -1.0
        while self._process.exitcode is None and (now := self._computed()) > computed:  # a busy machine is waited for
            computed = now + LEAST
            self._process.join(TIMEOUT)
        if self._process.exitcode is None:
            os.killpg(self._process.pid or 0, signal.SIGKILL)
            raise AssertionError(f"still running: {self.said()}{self.errors.read_text(encoding='utf-8')}")
        return self._process.exitcode


def ranks(function: Callable[..., Any], *arguments: object, folder: Path, size: int = 2) -> list[Forked]:
    """Return the ended processes that shared the work of a function, as those that torchrun starts, by rank.

    Args:
        function: of a module that can be imported.
        arguments: of the function.
        folder: gets the outputs, `out-R` and `err-R` of rank R.
        size: number of processes.
    """
    with socket.socket() as found:
        found.bind(("localhost", 0))
        names = {"WORLD_SIZE": size, "MASTER_ADDR": "localhost", "MASTER_PORT": found.getsockname()[1]}
    processes = []
    for rank in range(size):
        environment = {name: str(value) for name, value in {**names, "RANK": rank, "LOCAL_RANK": rank}.items()}
        log, errors = (folder / f"{stream}-{rank}" for stream in ("out", "err"))
        processes.append(Forked(function, *arguments, log=log, errors=errors, environment=environment))
    for process in processes:
        process.join()
    return processes


def _run(
    function: Callable[..., Any],
    arguments: tuple[object, ...],
    log: str,
    errors: str,
    environment: dict[str, str],
    room: int,
) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
    for number, file in ((1, log), (2, errors)):
        with open(file, "ab") as handle:
            os.dup2(handle.fileno(), number)
    os.environ.update(environment)
    if room:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        code = function(*arguments)
    except KeyboardInterrupt:
        code = Forked.INTERRUPTED
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)

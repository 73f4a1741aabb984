"""Commands that meet hostile files, one after the other in a process of their own whose time and memory are watched.

`pytest tests/attacks --attack-programs` starts the `segrec` program anew for each of them instead, which takes an hour.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from forked import Forked

SECONDS, BYTES, LINES = 5.0, 1_000_000_000, 3
"""What one attempt may take of a processor and of memory above the idle process, and how much it may say."""
PROGRAMS = "SEGREC_ATTACK_PROGRAMS"
"""The variable with which each attempt is made with the program; without it many share a process."""
_AT_ONCE = 15
"""How many attempts one process makes, so that none is waited for too long on a busy machine."""

_PATIENCE = 300.0
"""Seconds after which a program that does nothing is ended."""

tried: Counter[str] = Counter()
"""How many attempts of each class the session made; `conftest.py` prints them."""
worst: dict[str, tuple[float, int, int]] = {}
"""Of each class of commands, the most CPU seconds and the most memory of an attempt, and how many broke a promise."""


class Answer(NamedTuple):
    """How a command met a file: exit code, what it printed, CPU seconds and bytes above what was used before."""

    code: int
    out: str
    err: str
    seconds: float
    size: int


def answers(kind: str, attempts: Mapping[str, Sequence[object]], folder: Path) -> dict[str, Answer]:
    """Return how each attempt was answered, by its name.

    Args:
        kind: the class of attempts, for the count.
        attempts: command lines by name.
        folder: gets the log.
    """
    commands = {name: [str(part) for part in command] for name, command in attempts.items()}
    if os.environ.get(PROGRAMS):
        found = {name: _of_program(["-m", "segrec", *command], folder) for name, command in commands.items()}
    else:
        found = _of_processes(commands, folder)
    _count(kind, found)
    return found


def program_answers(kind: str, attempts: Mapping[str, Sequence[object]], folder: Path) -> dict[str, Answer]:
    """Return how each attempt was answered by a Python program that is started anew for it.

    Args:
        kind: the class of attempts, for the count.
        attempts: what follows `python`, by name.
        folder: gets the logs.
    """
    found = {name: _of_program([str(part) for part in command], folder) for name, command in attempts.items()}
    _count(kind, found)
    return found


def _count(kind: str, found: Mapping[str, Answer]) -> None:
    tried[kind] += len(found)
    seconds, size, broken = worst.get(kind, (0.0, 0, 0))
    for answer in found.values():
        seconds, size = max(seconds, answer.seconds), max(size, answer.size)
        broken += not _within_promise(answer)
    worst[kind] = seconds, size, broken


def _of_processes(commands: Mapping[str, list[str]], folder: Path) -> dict[str, Answer]:
    report, names = folder / "answers.jsonl", list(commands)
    report.unlink(missing_ok=True)
    for first in range(0, len(names), _AT_ONCE):
        some = {name: commands[name] for name in names[first : first + _AT_ONCE]}
        process = Forked(_answer_all, some, str(report), log=folder / "log")
        process.join()
    lines = report.read_text("utf-8").splitlines() if report.exists() else []
    found = {name: Answer(*answer) for name, answer in map(json.loads, lines)}
    died = [name for name in commands if name not in found]
    assert not died, f"{died[0]} ended the process or never ended: {process.said()[-2000:]}"
    return found


def _of_program(command: Sequence[str], folder: Path) -> Answer:
    """Return how a command line of Python is answered, beyond what an idle process takes."""
    code, size, seconds, out, err = _started(command, folder)
    idle_size, idle_seconds = _idle()
    return Answer(code, out, err, max(0.0, seconds - idle_seconds), max(0, size - idle_size))


@cache
def _idle() -> tuple[int, float]:
    """Return the memory and the CPU seconds of a process that loads what commands load, and does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-c", "import torch, segrec.cli, segrec.reader, segrec.jobs.evaluate"]
        return _started(command, Path(folder))[1:3]


def _started(arguments: Sequence[str], folder: Path) -> tuple[int, int, float, str, str]:
    """Return exit code, peak of memory, CPU seconds, output and errors of a Python process and its children."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (30, 60)),
        )
        end = time.monotonic() + _PATIENCE
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > end:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(ended[1])
    usage = ended[2]
    said = ((folder / name).read_text("utf-8", errors="replace") for name in ("stdout", "stderr"))
    return (process.returncode, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime, *said)  # type: ignore[return-value]


def _within_promise(answer: Answer) -> bool:
    """Return whether an attempt took what it may; what is not refused may take its time, and say more."""
    few = answer.seconds < SECONDS and (answer.err.count("\n") <= LINES or answer.err.startswith("Usage: "))
    return "Traceback" not in answer.err and answer.size < BYTES and (few or answer.code == 0)


def supervised_answers(kind: str, attempts: Mapping[str, Sequence[object]], folder: Path) -> dict[str, tuple[int, str]]:
    """Return the exit code and the errors of each attempt as the `segrec` program answers it, in a child."""
    report = folder / "supervised.jsonl"
    commands = {name: [str(part) for part in command] for name, command in attempts.items()}
    process = Forked(_supervise_all, commands, str(report), log=folder / "log", errors=folder / "errors")
    process.join()
    found = {name: (code, said) for name, code, said in map(json.loads, report.read_text("utf-8").splitlines())}
    assert found.keys() == commands.keys(), process.said()
    tried[kind] += len(found)
    return found


def assert_refused(found: Mapping[str, Answer], *, code: int = 1) -> None:
    """Check that every attempt was answered in time, in a few lines, and within its memory."""
    for name, answer in found.items():
        said = f"{name}: {answer._replace(out=answer.out[-600:], err=answer.err[-600:])}"
        assert answer.code == code, said
        assert answer.err.count("\n") <= LINES and "Traceback" not in answer.err, said
        assert answer.seconds < SECONDS and answer.size < BYTES, said
        printed = answer.out + answer.err
        assert all(letter.isprintable() or letter in "\n\t" for letter in printed), said


def _answer_all(commands: dict[str, list[str]], report: str) -> int:
    import torch

    torch.set_num_threads(1)
    at_most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + 6 * BYTES
    resource.setrlimit(resource.RLIMIT_AS, (at_most, at_most))  # the machine outlives a test that fails
    with open(report, "a", encoding="utf-8") as lines:
        for name, command in commands.items():
            spent = int(time.process_time())
            resource.setrlimit(resource.RLIMIT_CPU, (spent + 20, resource.RLIM_INFINITY))
            print(json.dumps([name, _answered(command)]), file=lines, flush=True)
    return 0


def _answered(command: list[str]) -> Answer:
    from segrec.cli import main

    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the highest use of memory starts anew
    idle, began = _memory("VmRSS"), _cpu()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(command)
        except (Exception, SystemExit):
            code = -1
            traceback.print_exc()
    return Answer(code, out.getvalue(), err.getvalue(), _cpu() - began, _memory("VmHWM") - idle)


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _memory(field: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) * 1024


def _supervise_all(commands: dict[str, list[str]], report: str) -> int:
    from segrec.cli import main
    from segrec.cli.supervised import supervised

    own = os.getpid()
    errors = Path(os.readlink("/proc/self/fd/2"))
    for name, command in commands.items():
        os.truncate(errors, 0)
        code = supervised(partial(main, command))
        sys.stdout.flush()
        sys.stderr.flush()
        if os.getpid() != own:
            os._exit(code)
        with open(report, "a", encoding="utf-8") as lines:
            print(json.dumps([name, code, errors.read_text("utf-8")]), file=lines)
    return 0

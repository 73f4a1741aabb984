"""Trials of the commands that write: SIGTERM and SIGKILL inside a run, and the same command again to the same bytes."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from faults.disks import read_only
from faults.run import Run
from faults.workplace import Outcome, Workplace, not_one_line
from segrec.core.files import file_digest
from segrec.data.words import WordLmdb

WORDS, STEPS, RENDERED = 400, 40, 1500
NAMES = ("finetune", "import", "render", "eval")
MISSES = 3
"""So many runs in a row may end before their signal comes; more, and the trial is broken."""
DATED = "run.json"
"""The one file that says when it was made."""


class Job(NamedTuple):
    """A command that writes below a folder.

    Attributes:
        arguments: with `{output}` for the folder.
        begun: whether the folder, or a process, shows that it is at work.
    """

    arguments: Sequence[str]
    begun: Callable[[Path, int], bool]


def jobs(work: Workplace) -> dict[str, Job]:
    """Return the commands by name."""
    tune = ["finetune", "crnn", "--mask", "random", "--output", "{output}/run", "--steps", str(STEPS)]
    tune += ["--batch-size", "8", "--checkpoint-every", "5", "--workers", "1", "--device", "cpu"]
    return {
        "finetune": Job(
            [*tune, "--data", str(work.words)],
            lambda output, _: (output / "run/metrics.jsonl").exists() or (output / "run/state.pt").exists(),
        ),
        "import": Job(
            ["import", "tsv", str(_crops(work)), "--output", "{output}/words", "--workers", "2"],
            lambda output, _: (output / "words/.import/data.mdb").exists(),
        ),
        "render": Job(
            ["render", "words", "--count", str(RENDERED), "--seed", "2", "--output", "{output}/words"],
            lambda output, _: (output / "words").exists(),
        ),
        "eval": Job(
            ["eval", "--data", f"w={work.words}", "--mask", "zero,random", "--predictions", "{output}/told.jsonl"],
            lambda _, process: _reads(process, work.words / "data.mdb"),
        ),
    }


def _crops(work: Workplace) -> Path:
    """Write words as files with a list, once, and return that."""
    folder = work.folder / "crops"
    if not folder.exists():
        folder.mkdir()
        words, lines = WordLmdb(work.words), []
        for position in range(min(WORDS, len(words))):
            (folder / f"{position}.jpg").write_bytes(words.image_bytes(position) or b"")
            lines.append(f"{position}.jpg\t{words.label(position) or 'word'}\n")
        (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return folder / "labels.tsv"


def _reads(process: int, file: Path) -> bool:
    """Return whether a process, or a child of it, has a file mapped."""
    children = Path(f"/proc/{process}/task/{process}/children")
    try:
        family = [process, *map(int, children.read_text().split())]
        return any(str(file) in Path(f"/proc/{member}/maps").read_text() for member in family)
    except OSError:
        return False


def signalled(work: Workplace, rng: random.Random, *, name: str, moments: int) -> Outcome:
    """End runs of a command by SIGTERM and SIGKILL in turn, each inside its work, and complete each of them."""
    job, output = jobs(work)[name], work.folder / f"{name}-output"  # one path: masks name that of their words
    begun = time.monotonic()
    if (ended := _start(work, job, output).ended()).code != 0:
        return Outcome("the undisturbed run failed", [ended.said[-300:]])
    seconds, wanted = time.monotonic() - begun, _digests(output)
    found: list[str] = []
    inside: Counter[str] = Counter()
    missed = 0
    while inside.total() < moments and missed < MISSES and not found:
        shutil.rmtree(output)
        number = (signal.SIGTERM, signal.SIGKILL)[inside.total() % 2]
        run = _start(work, job, output)
        run.wait_until(lambda run=run: job.begun(output, run.process))
        run.pause(rng.uniform(0, seconds / 4))
        run.send(number)
        if run.ended().code != -number:
            missed += 1
        else:
            missed = 0
            inside[number.name] += 1
            found += _completed(work, job, output, wanted)
    if missed:
        found.append(f"{missed} runs in a row ended before their signal; give it more --words")
    return Outcome(", ".join(f"{count} x {what} inside the run" for what, count in inside.items()), found)


def on_read_only_disk(work: Workplace, rng: random.Random, *, name: str) -> Outcome:
    """Try a command that writes on a disk that is read-only."""
    output = work.folder / f"{name}-read-only"
    output.mkdir()
    with read_only(output):
        ended = _start(work, jobs(work)[name], output).ended()
    left = [f"it left {file.name}" for file in output.iterdir()]
    return Outcome("refused in one line", not_one_line(ended, "cannot write") + left)


def _completed(work: Workplace, job: Job, output: Path, wanted: dict[str, str]) -> list[str]:
    """Run once more; return what keeps the output from being that of the undisturbed run."""
    if (ended := _start(work, job, output).ended()).code != 0:
        return [f"the run that should complete it exits {ended.code}: {ended.said[-300:]}"]
    mine = _digests(output)
    names = sorted(name for name in {*mine, *wanted} if mine.get(name) != wanted.get(name))
    return [f"{', '.join(names[:3])} differs from that of an undisturbed run"] if names else []


def _digests(output: Path) -> dict[str, str]:
    files = (file for file in output.rglob("*") if file.is_file() and file.name != DATED)
    return {str(file.relative_to(output)): file_digest(file) for file in files}


def _start(work: Workplace, job: Job, output: Path) -> Run:
    output.mkdir(exist_ok=True)
    arguments = [part.format(output=output) for part in job.arguments]
    return Run(arguments, work.folder / f"{output.name}-{time.monotonic_ns()}.log")

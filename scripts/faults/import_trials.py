"""Trials of `segrec import`: a release whose import is killed again and again."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

from faults.run import Run
from faults.workplace import Outcome, Workplace, differing
from segrec.core.lmdb_environments import DATA_FILE
from segrec.data.words import WordLmdb


def import_killed(work: Workplace, rng: random.Random, *, kills: int) -> Outcome:
    """Send SIGKILL to an import and its workers at chosen times; one that completes is begun again."""
    source = _synth90k(work)
    quiet, words, found = work.folder / "imported", work.folder / "import", []
    begun = time.monotonic()
    if _start(work, source, quiet).ended().code != 0:
        return Outcome("the undisturbed import failed", ["exit code not 0"])
    seconds = time.monotonic() - begun
    when: Counter[str] = Counter()
    while when.total() < kills:
        run = _start(work, source, words)
        run.pause(rng.uniform(0, seconds))
        run.send(signal.SIGKILL)
        ended = run.ended()
        if ended.code == -signal.SIGKILL:
            when["before the end" if not (words / DATA_FILE).exists() else "after it"] += 1
        elif ended.code != 0:
            return Outcome("a run failed", [*found, f"exit code {ended.code}: {ended.said[-300:]}"])
        if (words / DATA_FILE).exists():
            found += _finished(work, source, words, quiet)
            for file in words.iterdir():
                file.unlink()
    found += _finished(work, source, words, quiet)
    return Outcome(", ".join(f"{count} {what}" for what, count in when.items()), found)


def _finished(work: Workplace, source: Path, words: Path, quiet: Path) -> list[str]:
    """Run once more; return what keeps the words from being those of the undisturbed import."""
    ended = _start(work, source, words).ended()
    if ended.code != 0:
        return [f"the import that should complete it exits {ended.code}: {ended.said[-300:]}"]
    return differing(words, quiet)


def _start(work: Workplace, source: Path, words: Path) -> Run:
    log = work.folder / f"{words.name}-{time.monotonic_ns()}.log"
    return Run(["import", "synth90k", str(source), "--output", str(words), "--workers", "2"], log)


def _synth90k(work: Workplace) -> Path:
    """Write the words, and the odd pictures among them, in the layout of Synth90k."""
    words, lines = WordLmdb(work.words), []
    folder = work.folder / "synth90k" / "1" / "1"
    folder.mkdir(parents=True)
    for position in range(len(words)):
        name = f"{position}_{(words.label(position) or 'word').replace('_', '-').replace('/', '-')}_1.jpg"
        (folder / name).write_bytes(words.image_bytes(position) or b"")
        lines.append(f"./1/1/{name} 1\n")
    (work.folder / "synth90k" / "annotation.txt").write_text("".join(lines), encoding="utf-8")
    return work.folder / "synth90k"

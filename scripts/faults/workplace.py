"""A small word database with odd pictures in it, the command that predicts its masks, and what its store must hold."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from faults.pictures import OddPicture, odd_pictures
from segmenter.loading import save_segmenter
from segmenter.network import MutuallyGuidedNet
from segrec.core.errors import DataError
from segrec.core.files import file_digest
from segrec.core.lmdb_io import DATA_FILE, LmdbReader, close_environment
from segrec.data.mask_record import shard_name
from segrec.data.mask_store import MaskStore
from segrec.data.rendering.writing import render_words
from segrec.data.shard_state import mask_key, recomputed_digest
from segrec.data.words import WordLmdb, WordWriter

ROOT = Path(__file__).parents[2]
SHARD = shard_name((1, 1))
DISTINCT = 240
"""How many words are rendered; the database repeats them."""
PATIENCE = 300.0
"""Seconds after which a run counts as hanging."""
READ_AT_ONCE = 1000


class Outcome(NamedTuple):
    """What a trial saw, in words, and every promise that was broken."""

    seen: str
    violations: list[str]


class Ended(NamedTuple):
    """How a run ended: its exit code (the negative number of a signal), what it said, its peak of memory in bytes."""

    code: int
    said: str
    peak: int


class Run:
    """`segrec precompute-masks` in a process of its own.

    Args:
        arguments: of the command.
        log: the file for what it says.
        before: a command that starts it in a special place.
    """

    def __init__(self, arguments: Sequence[str], log: Path, *, before: Sequence[str] = ()) -> None:
        command = [*before, sys.executable, "-m", "segrec", "precompute-masks", *arguments]
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
        end = time.monotonic() + PATIENCE
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


class Workplace:
    """A folder with the words, a thin segmenter and the store of an undisturbed run.

    Args:
        folder: empty, or absent.
        count: how many words.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        folder.mkdir(parents=True, exist_ok=True)
        render_words(folder / "rendered", DISTINCT, seed=5, workers=1)
        self.segmenter = folder / "thin.safetensors"
        save_segmenter(self.segmenter, MutuallyGuidedNet(width=2, working_height=16))
        self.odd = self._odd_places()
        self.words = self.write_words("words", count, {place: picture.data for place, picture in self.odd.items()})
        self.source_before = fingerprint(self.words)
        begun = time.monotonic()
        self.quiet = folder / "quiet"
        ended = self.start(self.quiet).ended()
        self.seconds = time.monotonic() - begun
        if ended.code != 0:
            raise RuntimeError(f"the undisturbed run failed: {ended.said}")

    def _odd_places(self) -> dict[int, OddPicture]:
        pictures = list(odd_pictures().values())
        return {1 + number * (self.count // len(pictures)): picture for number, picture in enumerate(pictures)}

    def write_words(self, name: str, count: int, pictures: Mapping[int, bytes]) -> Path:
        """Write a database of rendered words, with other pictures at some 1-based places."""
        rendered = WordLmdb(self.folder / "rendered")
        with WordWriter(self.folder / name, overwrite=True) as writer:
            for index in range(1, count + 1):
                data = rendered.image_bytes((index - 1) % DISTINCT) or b""
                writer.add(pictures.get(index, data), rendered.label((index - 1) % DISTINCT) or "")
        return self.folder / name

    def copy_of_words(self, name: str) -> Path:
        """Return a copy of the words that a trial may change."""
        return Path(shutil.copytree(self.words, self.folder / name))

    def start(self, output: Path, *, data: Path | None = None, before: Sequence[str] = ()) -> Run:
        """Start the command on the words, or on other ones, into a store."""
        arguments = ["--data", str(data or self.words), "--output", str(output), "--segmenter", str(self.segmenter)]
        log = self.folder / f"{output.name}-{time.monotonic_ns()}.log"
        return Run([*arguments, "--device", "cpu"], log, before=before)

    def unsampled(self) -> int:
        """Return the 1-based place of a word that the database's digest does not look at, in the last third."""
        return next(place for place in range(self.count * 2 // 3 + 7, self.count) if place not in self.odd)


def fingerprint(folder: Path) -> object:
    """Return what is in a folder: names, times and digests."""
    return [(str(file), file.stat().st_mtime_ns, file_digest(file)) for file in sorted(folder.iterdir())]


def progress(store: Path) -> int:
    """Return how many masks a store claims to hold; 0 where there is none yet."""
    return MaskStore(store).done if (store / SHARD / DATA_FILE).exists() else 0


def unsound(store: Path, quiet: Path) -> list[str]:
    """Return what is wrong with a store of the same words as `quiet`: it must open, and hold what it claims."""
    if not (store / SHARD / DATA_FILE).exists():
        return []
    close_environment(store / SHARD)
    try:
        shard = MaskStore(store).shards[0]
        mine, theirs = LmdbReader(store / SHARD), LmdbReader(quiet / SHARD)
        for first in range(shard.first, shard.last_done + 1, READ_AT_ONCE):
            keys = [mask_key(index) for index in range(first, min(first + READ_AT_ONCE, shard.last_done + 1))]
            if mine.get_many(keys) != theirs.get_many(keys):
                return [f"masks from {first} on differ from those of an undisturbed run"]
        if recomputed_digest(store / SHARD, shard.first, shard.last_done) != shard.digest:
            return ["the masks do not fit the shard's digest"]
    except DataError as error:
        return [f"the store does not open: {error}"]
    return []


def differing(store: Path, quiet: Path) -> list[str]:
    """Return how a finished store differs from the one of an undisturbed run; they must be equal byte by byte."""
    mine, theirs = (
        {str(file.relative_to(path)): file_digest(file) for file in path.rglob("*") if file.is_file()}
        for path in (store, quiet)
    )
    if mine.keys() != theirs.keys():
        return [f"the store holds the files {sorted(mine)}, not {sorted(theirs)}"]
    return [f"{name} differs from that of an undisturbed run" for name in mine if mine[name] != theirs[name]]


def not_one_line(ended: Ended, *said: str) -> list[str]:
    """Return what is wrong with how a refused run ended: exit code 1, one line, with these words in it."""
    lines = [line for line in ended.said.splitlines() if line.startswith("segrec: ")]
    found = []
    if ended.code != 1:
        found.append(f"exit code {ended.code} instead of 1")
    if len(lines) != 1 or "Traceback" in ended.said:
        found.append(f"not one line: {ended.said[-300:]!r}")
    return found + [f"{word!r} is not in {ended.said[-300:]!r}" for word in said if word not in ended.said]


def completed(work: Workplace, store: Path) -> list[str]:
    """Run once more; return what keeps the store from being that of an undisturbed run."""
    ended = work.start(store).ended()
    if ended.code != 0:
        return [f"the run that should complete it exits {ended.code}: {ended.said[-300:]}"]
    return differing(store, work.quiet)

"""Precomputes masks of a database of a million words and checks memory and the time to the first batch (Linux)."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click
import numpy as np
from benchmarks.word_sets import build_big_words, word_database
from numpy.typing import NDArray

from segmenter.network import MutuallyGuidedNet
from segmenter.predictor import TorchSegmenter
from segrec.core.images import Array
from segrec.core.tables import markdown_table
from segrec.data.masks.record import SegmenterRecord
from segrec.data.words import WordLmdb
from segrec.jobs.precompute import open_segmenter, precompute_shard, predicted_record

HEAD = ("words", "words/s so far", "resident MB", "of it anonymous MB", "peak MB so far")
MOST_BYTES = 1_500_000_000
MOST_GROWTH = 1.1
MOST_SECONDS = 2.0
RENDERED = 300
"""Different words, where none are named."""
MARKS = (10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)


class MemoryUse(NamedTuple):
    """What the process held, in bytes, after a number of words and seconds."""

    words: int
    seconds: float
    resident: int
    anonymous: int
    peak: int


class WatchedSegmenter(TorchSegmenter):
    """A segmenter that notes when its first batch comes, and the memory at each mark.

    Args:
        segmenter: whose network, device and precision it takes.
        marks: numbers of words.
    """

    def __init__(self, segmenter: TorchSegmenter, marks: Sequence[int]) -> None:
        super().__init__(segmenter.model, device=segmenter.device, amp=segmenter.amp, scene_height=None)
        self.uses: list[MemoryUse] = []
        self.first_batch: float | None = None
        self._marks, self._words, self._lock = list(marks), 0, threading.Lock()
        self.ready = time.perf_counter()

    def text_of_prepared(self, pictures: Sequence[Array]) -> list[NDArray[np.float32]]:
        """Return the text masks of one pass, having noted what there is to note."""
        with self._lock:
            self._words += len(pictures)
            seconds = time.perf_counter() - self.ready
            if self.first_batch is None:
                self.first_batch = seconds
            if self._marks and self._words >= self._marks[0]:
                self._marks.pop(0)
                self.note(memory(self._words, seconds))
        return super().text_of_prepared(pictures)

    def note(self, use: MemoryUse) -> None:
        """Keep a measurement and print it to stderr at once: a run of hours may be stopped."""
        self.uses.append(use)
        click.echo(", ".join(f"{name}: {cell}" for name, cell in zip(HEAD, cells(use), strict=True)), err=True)


def cells(use: MemoryUse) -> tuple[str, ...]:
    """Return a measurement under `HEAD`."""
    megabytes = (f"{value / 1e6:.0f}" for value in (use.resident, use.anonymous, use.peak))
    return (str(use.words), f"{use.words / use.seconds:.0f}", *megabytes)


def memory(words: int, seconds: float) -> MemoryUse:
    """Return what this process holds now, as the kernel says."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    resident, anonymous, peak = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "RssAnon", "VmHWM"))
    return MemoryUse(words, seconds, resident, anonymous, peak)


@click.command()
@click.option("--folder", required=True, type=click.Path(path_type=Path), help="Keeps the database for the next time.")
@click.option("--data", type=click.Path(), help="Words to repeat; without it some are rendered.")
@click.option("--words", "count", default=1_000_000, show_default=True, type=click.IntRange(min=1))
@click.option("--limit", type=click.IntRange(min=1), help="Only the first words of the database.")
@click.option(
    "--segmenter", help="Shipped name or weights file; without it a network of width 2 on 16 rows, untrained."
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(min=1))
def main(folder: Path, data: str | None, count: int, limit: int | None, segmenter: str | None, workers: int) -> None:
    """Precompute the masks of a huge database and say what that took."""
    words = words_to_read(folder / f"words-{count}", data, count)
    limit = min(limit or count, count)
    plain = open_segmenter(segmenter, device="cpu")[0] if segmenter else small_segmenter()
    watched = WatchedSegmenter(plain, [mark for mark in MARKS if mark < limit])
    click.echo(
        f"{limit} of {len(words)} words, {segmenter or 'an untrained network of width 2 on 16 rows'}, "
        f"{workers} workers, on the CPU\n"
    )
    run(words, watched, limit, workers)
    click.echo(markdown_table(HEAD, [cells(use) for use in watched.uses], numbers=len(HEAD)), nl=False)
    sys.exit(verdict(watched))


def words_to_read(path: Path, data: str | None, count: int) -> WordLmdb:
    """Return the database, made by another process, whose memory is not that of the run, where it is not there yet."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as builder:
        builder.submit(build, path, data, count).result()
    return WordLmdb(path)


def build(path: Path, data: str | None, count: int) -> None:
    """Write the database, unless it is there."""
    with word_database(data, RENDERED) as source:
        build_big_words(path, source, count)


def small_segmenter() -> TorchSegmenter:
    """Return a segmenter whose network takes little of the time, so that a million words take minutes."""
    return TorchSegmenter(MutuallyGuidedNet(width=2, working_height=16), scene_height=None)


def run(words: WordLmdb, watched: WatchedSegmenter, limit: int, workers: int) -> None:
    """Predict masks into a store that is gone afterwards, and note the memory at the end."""
    record = predicted_record(words, watched, SegmenterRecord("measured", ""), count=limit)
    with TemporaryDirectory(dir=words.path.parent) as store:
        precompute_shard(words, store, watched, record, workers=workers)
        watched.note(memory(limit, time.perf_counter() - watched.ready))


def verdict(watched: WatchedSegmenter) -> int:
    """Print whether the bounds hold and return the exit status."""
    first, last = watched.uses[0], watched.samples[-1]
    growth = last.resident / first.resident
    checks = {
        f"at most {MOST_BYTES / 1e9} GB resident at any time: {last.peak / 1e9:.2f} GB": last.peak <= MOST_BYTES,
        f"as much after {last.words} words as after {first.words}: {growth:.2f} times": growth <= MOST_GROWTH,
        f"first batch within {MOST_SECONDS:g} s: {watched.first_batch:.2f} s": (watched.first_batch or 0)
        <= MOST_SECONDS,
    }
    click.echo()
    for said, holds in checks.items():
        click.echo(f"{'holds' if holds else 'DOES NOT HOLD'}: {said}")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    main()

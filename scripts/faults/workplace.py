"""A small word database with odd pictures in it, the command that predicts its masks, and what its store must hold."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from faults.pictures import OddPicture, odd_pictures
from faults.run import Ended, Run
from segmenter.loading import save_segmenter
from segmenter.network import MutuallyGuidedNet
from segrec.core.errors import DataError
from segrec.core.files import file_digest
from segrec.core.lmdb_environments import DATA_FILE, close_environment
from segrec.core.lmdb_io import LmdbReader
from segrec.data.masks.record import shard_name
from segrec.data.masks.shard_state import mask_key, recomputed_digest
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb, WordWriter
from segrec.rendering.writing import render_words

SHARD = shard_name((1, 1))
DISTINCT = 240
"""How many words are rendered; the database repeats them."""
READ_AT_ONCE = 1000


class Outcome(NamedTuple):
    """What a trial saw, in words, and every promise that was broken."""

    seen: str
    violations: list[str]


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

    def start(
        self, output: Path, *, data: Path | None = None, before: Sequence[str] = (), options: Sequence[str] = ()
    ) -> Run:
        """Start `segrec precompute-masks` on the words, or on other ones, into a store."""
        arguments = ["--data", str(data or self.words), "--output", str(output), "--segmenter", str(self.segmenter)]
        log = self.folder / f"{output.name}-{time.monotonic_ns()}.log"
        return Run(["precompute-masks", *arguments, "--device", "cpu", *options], log, before=before)

    def unsampled(self) -> int:
        """Return the 1-based place of a word that the database's digest does not look at, in the last third."""
        return next(place for place in range(self.count * 2 // 3 + 7, self.count) if place not in self.odd)


def fingerprint(folder: Path) -> object:
    """Return what is in a folder: names, times and digests."""
    return [(str(file), file.stat().st_mtime_ns, file_digest(file, most=None)) for file in sorted(folder.iterdir())]


def progress(store: Path) -> int:
    """Return how many masks a store claims to hold; 0 where there is none yet."""
    return MaskStore(store).done if any(store.glob(f"*/{DATA_FILE}")) else 0


def unsound(store: Path, quiet: Path) -> list[str]:
    """Return what is wrong with a store of the same words as `quiet`: it must open, and hold what it claims.

    It may be cut into any shards, `quiet` has one.
    """
    if not any(store.glob(f"*/{DATA_FILE}")):
        return []
    theirs = LmdbReader(quiet / SHARD)
    for file in store.glob(f"*/{DATA_FILE}"):
        close_environment(file.parent)
    try:
        for shard in MaskStore(store).shards:
            if not (shard.folder / DATA_FILE).exists():
                continue
            mine = LmdbReader(shard.folder)
            for first in range(shard.first, shard.last_done + 1, READ_AT_ONCE):
                keys = [mask_key(index) for index in range(first, min(first + READ_AT_ONCE, shard.last_done + 1))]
                if mine.get_many(keys) != theirs.get_many(keys):
                    return [f"masks from {first} on differ from those of an undisturbed run"]
            if recomputed_digest(shard.folder, shard.first, shard.last_done) != shard.digest:
                return [f"the masks of shard {shard.name} do not fit its digest"]
    except DataError as error:
        return [f"the store does not open: {error}"]
    return []


def differing(store: Path, quiet: Path) -> list[str]:
    """Return how a finished store differs from the one of an undisturbed run; they must be equal byte by byte."""
    mine, theirs = (
        {str(file.relative_to(path)): file_digest(file, most=None) for file in path.rglob("*") if file.is_file()}
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

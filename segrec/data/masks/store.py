"""Reading a mask store: text masks by the position of the word image they belong to."""

from __future__ import annotations

import os
import shlex
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from segrec.core.errors import DamagedMaskError, DataError
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.lmdb_io import LmdbReader
from segrec.data.masks.codec import Mask, hole_reason, mask_codec
from segrec.data.masks.record import MaskRecord, shard_folders, shard_name, shard_span
from segrec.data.masks.shard_state import READ_AT_ONCE, ShardState, mask_key, recomputed_digest
from segrec.data.words import WordLmdb

PREDICT_AGAIN = "run segrec precompute-masks again"
RENDER_AGAIN = "render the words again"
LABEL_AGAIN = "run the same segrec label-masks again"
VERIFIED_UNASKED, MOST_UNREAD = 20_000, 2
"""Masks whose digest is computed again, in a fraction of a second, whenever a store is opened for words. A larger store
is verified unless it holds more than `MOST_UNREAD` times the words that are read: a digest costs about a hundredth of
what reading a word does."""
MOST_NAMED = 4
"""How many unfinished shards an error names one by one."""


@dataclass(frozen=True)
class Shard:
    """One of the parts into which a store is cut, whether it is there or not.

    Attributes:
        number: from 1.
        count: how many there are.
        folder: where it lies, or is to lie.
        first: 1-based index of its first mask.
        last: of its last mask; one less than `first` when it is to hold none.
        last_done: of the last mask that is stored, `first` less one when none is.
        digest: `digest_of` its stored masks; None when it is not there or too old to hold one.
    """

    number: int
    count: int
    folder: Path
    first: int
    last: int
    last_done: int
    digest: int | None

    @property
    def name(self) -> str:
        """Its number and the count, as after `--shard`."""
        return f"{self.number}/{self.count}"

    @property
    def complete(self) -> bool:
        """Whether all its masks are stored."""
        return self.last_done == self.last


class MaskStore:
    """The masks of a store, read-only, finished or not; picklable, and usable in forked workers.

    How far an unfinished store has come is what it was when it was opened. A damaged page ends the process that reads
    it, without an exception: have stores of strangers read by `segrec.verify` first, which does so in another process.

    Args:
        path: the store's folder, which holds the shard folders.

    Raises:
        DataError: the folder is not a mask store, or a shard is damaged or does not belong to the others.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        folders = shard_folders(self.path)
        if not folders:
            raise DataError(_no_store(self.path))
        self._shard_count = _one_count(self.path, sorted(folders))
        begun = {number: folder for (number, _), folder in folders.items() if (folder / DATA_FILE).exists()}
        if not begun:
            raise DataError(f"{self.path} holds no masks yet; {PREDICT_AGAIN}")
        self._readers = {number: LmdbReader(folder) for number, folder in begun.items()}
        states = {number: ShardState.read(folder, (number, self._shard_count)) for number, folder in begun.items()}
        self.record = self._common_record(states)
        self._decode = mask_codec(self.record.codec).decode
        self.shards = [self._shard(number, states.get(number)) for number in range(1, self._shard_count + 1)]

    def _common_record(self, states: dict[int, ShardState]) -> MaskRecord:
        records = {number: state.record for number, state in states.items()}
        first = next(iter(records))
        for number, record in records.items():
            difference = records[first].difference(record)
            if difference:
                raise DataError(
                    f"{self.path} mixes shards: {shard_name((first, self._shard_count))} has {difference} as "
                    f"{shard_name((number, self._shard_count))}; delete the wrong ones and make them again"
                )
        return records[first]

    def _shard(self, number: int, state: ShardState | None) -> Shard:
        shard = (number, self._shard_count)
        first, last = shard_span(self.record.span, shard)
        done, digest = (first - 1, None) if state is None else (state.last_index, state.digest)
        return Shard(*shard, self.path / shard_name(shard), first, last, done, digest)

    @property
    def remedy(self) -> str:
        """What to do about a store that lacks masks or is of other words."""
        return {"predicted": PREDICT_AGAIN, "verified": LABEL_AGAIN}.get(self.record.kind, RENDER_AGAIN)

    def __len__(self) -> int:
        """Return how many masks the finished store covers."""
        return self.record.span[1] - self.record.span[0] + 1

    @property
    def done(self) -> int:
        """How many masks are stored, those of unreadable images included."""
        return len(self) - sum(last - first + 1 for first, last in self.missing)

    @property
    def complete(self) -> bool:
        """Whether every mask of the span is stored."""
        return not self.missing

    @property
    def missing(self) -> list[tuple[int, int]]:
        """The runs of 1-based indices (first, last) that are not stored yet."""
        return [(shard.last_done + 1, shard.last) for shard in self.shards if not shard.complete]

    def __getitem__(self, position: int) -> Mask | None:
        """Return the mask, (H, W) uint8, of the image at the 0-based `position`; None when that image has none.

        Raises:
            DataError: the store does not cover that image, or not yet.
            DamagedMaskError: the mask is damaged.
        """
        index = position + 1
        first, last = self.record.span
        if not first <= index <= last:
            raise DataError(
                f"{self.path} covers images {first} to {last}, not {index}; {self.remedy} with another --limit"
            )
        shard = self.shards[bisect_right(self.shards, index, key=lambda shard: shard.first) - 1]
        if index > shard.last_done:
            raise DataError(f"{self.path} has no mask for image {index} yet: {self._lacking()}; {self._completion()}")
        value = self._readers[shard.number].get(mask_key(index))
        if value is None:
            raise DataError(f"{self.path}: mask {index} is lost although the store says it is there; make it again")
        if hole_reason(value) is not None:
            return None
        try:
            return self._decode(value)
        except DamagedMaskError as error:
            raise DamagedMaskError(f"{self.path}: mask {index} is damaged ({error}); make it again") from error

    def holes(self) -> Iterator[tuple[int, str]]:
        """Yield the 0-based position and the reason for each stored word that has no mask, in order."""
        for shard in self.shards:
            for begin in range(shard.first, shard.last_done + 1, READ_AT_ONCE):
                keys = [mask_key(index) for index in range(begin, min(begin + READ_AT_ONCE, shard.last_done + 1))]
                for offset, value in enumerate(self._readers[shard.number].get_many(keys)):
                    reason = hole_reason(value or b"")
                    if reason is not None:
                        yield begin + offset - 1, reason

    def require_sound(self, shards: Sequence[Shard] | None = None) -> None:
        """Check that shards hold the masks that were written there, by their digests; all that hold one when None.

        Raises:
            DataError: names the first that does not.
        """
        for shard in self.shards if shards is None else shards:
            if shard.digest is None or shard.last_done < shard.first:
                continue
            if recomputed_digest(shard.folder, shard.first, shard.last_done) != shard.digest:
                raise DataError(
                    f"{self.path}: shard {shard.name} holds other masks than were written there; "
                    f"delete {shard.folder} and {self.command([shard])}"
                )

    def require_complete(self) -> None:
        """Check that every mask of the span is stored.

        Raises:
            DataError: names what is missing.
        """
        if not self.complete:
            raise DataError(
                f"{self.path} is unfinished: {self.done} of {len(self)} masks, {self._lacking()}; {self._completion()}"
            )

    def _lacking(self) -> str:
        unfinished = [shard for shard in self.shards if not shard.complete]
        runs = [f"shard {shard.name} lacks masks {shard.last_done + 1}..{shard.last}" for shard in unfinished]
        return ", ".join(runs[:MOST_NAMED]) + _further(len(runs), "shards")

    def _completion(self) -> str:
        return self.command([shard for shard in self.shards if not shard.complete])

    def command(self, shards: Sequence[Shard]) -> str:
        """Return how `shards` are made or finished, in words."""
        if self.record.kind != "predicted":
            return self.remedy
        words = ["segrec", "precompute-masks", "--data", self.record.source.path, "--output", str(self.path)]
        if self.record.span[1] < self.record.source.num_samples:
            words += ["--limit", str(self.record.span[1])]
        options = ", ".join(f"--shard {shard.name}" for shard in shards[:MOST_NAMED])
        return f"run {shlex.join(words)} {options}{_further(len(shards), 'shards')}"

    def check_source(self, words: WordLmdb) -> None:
        """Check that these masks were made from `words`, wherever the database now lies.

        Raises:
            DataError: the number of samples or the content digest differs.
        """
        source = self.record.source
        made_from = f"{self.path} was made from {source.name} ({source.path}, {source.num_samples} samples)"
        if source.num_samples != len(words):
            raise DataError(
                f"{made_from}, but {words.path} has {len(words)}; {self.remedy} for it, with its own output"
            )
        if source.digest != words.digest:
            raise DataError(
                f"{made_from}, but {words.path} has other content; {self.remedy} for it, with its own output"
            )


def open_store(path: str | os.PathLike[str], words: WordLmdb, mask: str, *, count: int | None = None) -> MaskStore:
    """Return a complete mask store of `words` that holds masks of the wanted kind.

    Args:
        count: how many words from the first on need masks; all when None.

    Raises:
        DataError: it is not a store, of other words, incomplete, of another kind, covers fewer words, or holds other
            masks than were written; the last is looked for unless the store is large and few of its masks are needed.
    """
    if mask == "oracle" and not Path(path).exists():
        raise DataError(
            f"{words.path} has no exact masks ({path} does not exist); only segrec render words makes them, "
            "use another kind of mask or name a store"
        )
    store = MaskStore(path)
    if store.record.kind != mask:
        raise DataError(f"{path} holds {store.record.kind} masks, but --mask {mask} was asked for; name another store")
    store.check_source(words)
    store.require_complete()
    last = len(words) if count is None else min(count, len(words))
    if store.record.span[1] < last:
        raise DataError(
            f"{path} covers images {store.record.span[0]} to {store.record.span[1]} of {last} that are needed; "
            f"{store.remedy} with another --limit and output"
        )
    if store.done <= max(VERIFIED_UNASKED, MOST_UNREAD * last):
        store.require_sound([shard for shard in store.shards if shard.first <= last])
    return store


def _no_store(path: Path) -> str:
    if not path.exists():
        return f"{path} does not exist; check the path, or make a mask store with segrec precompute-masks"
    if (path / DATA_FILE).exists():
        return f"{path} is a database, not a mask store (no shard folders); name the output of segrec precompute-masks"
    return f"{path} is not a mask store: it holds no shard folders; name the output of segrec precompute-masks"


def _one_count(path: Path, shards: list[tuple[int, int]]) -> int:
    """Return into how many shards the store is cut, by the (number, count) of those that are there.

    Raises:
        DataError: they are of several cuts.
    """
    counts = sorted({count for _, count in shards})
    if len(counts) > 1:
        sets = [[f"{number}/{count}" for number, count in shards if count == wanted] for wanted in counts]
        named = " with ".join("shard " + ", ".join(names[:MOST_NAMED]) + _further(len(names), "") for names in sets)
        raise DataError(f"{path} mixes {named}; keep those of one count and delete the others")
    return counts[0]


def _further(count: int, unit: str) -> str:
    return f" and {count - MOST_NAMED} more {unit}".rstrip() if count > MOST_NAMED else ""

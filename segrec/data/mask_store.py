"""Reading a mask store: text masks by the position of the word image they belong to."""

from __future__ import annotations

import os
from bisect import bisect_right
from pathlib import Path

from segrec.core.errors import DataError
from segrec.core.lmdb_io import DATA_FILE, LmdbReader
from segrec.data.mask_codec import Mask, mask_codec
from segrec.data.mask_record import (
    PROGRESS_KEY,
    RECORD_KEY,
    MaskRecord,
    shard_folders,
    shard_name,
    shard_span,
)
from segrec.data.mask_writer import mask_key
from segrec.data.words import WordLmdb

PREDICT_AGAIN = "run segrec precompute-masks again"
RENDER_AGAIN = "render the words again"


class MaskStore:
    """The masks of a store, read-only, finished or not; picklable, and usable in forked workers.

    How far an unfinished store has come is what it was when it was opened.

    Args:
        path: the store's folder, which holds the shard folders.

    Raises:
        DataError: the folder is no mask store, or a shard is damaged or does not belong to the others.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        folders = shard_folders(self.path)
        counts = {count for _, count in folders}
        if not folders:
            raise DataError(_no_store(self.path))
        if len(counts) > 1:
            raise DataError(f"{self.path} mixes shards of {sorted(counts)}; delete those of the older run")
        self._shard_count = counts.pop()
        self._shards = {
            number: LmdbReader(folder) for (number, _), folder in folders.items() if (folder / DATA_FILE).exists()
        }
        if not self._shards:
            raise DataError(f"{self.path} holds no masks yet; {PREDICT_AGAIN}")
        self.record = self._read_record()
        self._decode = mask_codec(self.record.codec).decode
        self._spans = [
            shard_span(self.record.span, (number, self._shard_count)) for number in range(1, self._shard_count + 1)
        ]
        self._last_done = [self._read_progress(number) for number in range(1, self._shard_count + 1)]

    def _read_record(self) -> MaskRecord:
        records = []
        for number, reader in self._shards.items():
            folder = self.path / shard_name((number, self._shard_count))
            records.append(MaskRecord.from_json(reader.get(RECORD_KEY) or b"", folder))
            difference = records[0].difference(records[-1])
            if difference:
                raise DataError(f"{self.path} mixes shards: the first has {difference} as {folder.name}; make it again")
        return records[0]

    def _read_progress(self, number: int) -> int:
        """Return the last index done of a shard, one before its span when nothing is."""
        first, last = self._spans[number - 1]
        if number not in self._shards:
            return first - 1
        value = self._shards[number].get(PROGRESS_KEY) or b""
        if not value.isdigit() or not first - 1 <= int(value) <= last:
            raise DataError(f"{self.path}: shard {number} has a damaged progress {value!r}; delete it and run again")
        return int(value)

    @property
    def remedy(self) -> str:
        """What to do about a store that lacks masks or is of other words."""
        return PREDICT_AGAIN if self.record.kind == "predicted" else RENDER_AGAIN

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
        return [(done + 1, last) for done, (_, last) in zip(self._last_done, self._spans, strict=True) if done < last]

    def __getitem__(self, position: int) -> Mask | None:
        """Return the mask, (H, W) uint8, of the image at the 0-based `position`; None when that image was unreadable.

        Raises:
            DataError: the store does not cover that image, or not yet, or the mask is damaged.
        """
        index = position + 1
        first, last = self.record.span
        if not first <= index <= last:
            raise DataError(
                f"{self.path} covers images {first} to {last}, not {index}; {self.remedy} with another --limit"
            )
        shard = bisect_right(self._spans, index, key=lambda span: span[0])
        if index > self._last_done[shard - 1]:
            raise DataError(f"{self.path} has no mask for image {index} yet ({self._missing_words()}); {self.remedy}")
        value = self._shards[shard].get(mask_key(index))
        if value is None:
            raise DataError(f"{self.path}: mask {index} is lost although the store says it is there; make it again")
        return self._decode(value) if value else None

    def require_complete(self) -> None:
        """Check that every mask of the span is stored.

        Raises:
            DataError: names what is missing.
        """
        if not self.complete:
            raise DataError(f"{self.path} is unfinished: {self._missing_words()}; {self.remedy} to finish it")

    def _missing_words(self) -> str:
        runs = [f"{first}..{last}" for first, last in self.missing]
        shown = ", ".join(runs[:4]) + (f" and {len(runs) - 4} more runs" if len(runs) > 4 else "")
        return f"{self.done} of {len(self)} masks, missing {shown}"

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
        DataError: it is no store, of other words, incomplete, of another kind, or covers fewer words.
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
    return store


def _no_store(path: Path) -> str:
    if not path.exists():
        return f"{path} does not exist; check the path, or make a mask store with segrec precompute-masks"
    if (path / DATA_FILE).exists():
        return f"{path} is a database, not a mask store (no shard folders); name the output of segrec precompute-masks"
    return f"{path} is no mask store: it holds no shard folders; name the output of segrec precompute-masks"

"""Writing a mask store so that a killed run, started again, ends in the same bytes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from segrec.core.errors import DataError
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.lmdb_io import LmdbReader, commit, publish
from segrec.core.lock import FolderLock, lock_folder
from segrec.data.masks.codec import Mask, mask_codec
from segrec.data.masks.record import RECORD_KEY, MaskRecord, shard_folders, shard_name, shard_span
from segrec.data.masks.shard_state import ShardState, mask_key

PARTIAL_FILE = f".{DATA_FILE}.partial"


class MaskStoreWriter:
    """The one writer of one shard of a mask store; `next_index` says where to begin or go on.

    Each `write` is one transaction that holds its masks, the progress and the digest of all masks so far. The shard's
    bytes depend only on the record and on how the masks were cut into writes, never on where a run was killed and
    started again.

    Use `open`, as a context manager; leaving it releases the shard, finished or not.
    """

    def __init__(self, folder: Path, record: MaskRecord, shard: tuple[int, int], lock: FolderLock) -> None:
        self.folder = folder
        self.record = record
        self.span = shard_span(record.span, shard)
        """First and last 1-based index of this shard."""
        self._lock = lock
        self._file = folder / DATA_FILE
        self._codec = mask_codec(record.codec)
        self._state = self._resume(shard)

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], record: MaskRecord, *, shard: tuple[int, int] = (1, 1)
    ) -> MaskStoreWriter:
        """Return the writer of shard (number from 1, count) of the store at `path`, made when absent.

        Raises:
            DataError: the store was made from other data or with other settings, is cut into another number of
                shards, another process writes this shard, or the folder cannot be written.
        """
        store = Path(path)
        folder = store / shard_name(shard)
        _check_siblings(store, record, shard)
        lock = lock_folder(folder)
        try:
            return cls(folder, record, shard, lock)
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError):
                raise DataError(f"cannot write {folder}: {error.strerror}; choose another output") from error
            raise

    def _resume(self, shard: tuple[int, int]) -> ShardState:
        partial = self.folder / PARTIAL_FILE
        if partial.exists():  # asked first, because a read-only disk refuses to delete even what is not there
            partial.unlink()
        if not self._file.exists():
            nothing = ShardState(self.record, self.span[0] - 1)
            commit(partial, [(RECORD_KEY, self.record.to_json()), *nothing.items()])
            publish(partial, self.folder)
        return ShardState.read(self.folder, shard)

    @property
    def next_index(self) -> int:
        """1-based index of the first mask that is not stored yet; one past the span when all are."""
        return self._state.last_index + 1

    @property
    def complete(self) -> bool:
        """Whether every mask of the shard is stored."""
        return self.next_index > self.span[1]

    def write(self, first_index: int, masks: Sequence[Mask | None]) -> None:
        """Store `masks` for the images from `first_index` on, in one transaction.

        Args:
            first_index: 1-based; must be `next_index`.
            masks: (H, W) uint8 each, or None for an image that cannot be read (kept as an empty value, so counted).

        Raises:
            DataError: the disk is full; what was stored before stays.
            ValueError: the masks do not follow on what is stored, pass the end of the span, or are no (H, W) uint8.
        """
        self.write_encoded(first_index, [b"" if mask is None else self.encode(mask) for mask in masks])

    def write_encoded(self, first_index: int, values: Sequence[bytes]) -> None:
        """Store masks that `encode` made into bytes, see `write`; empty bytes are an image that cannot be read."""
        last_index = first_index + len(values) - 1
        if not self._lock.held:
            raise ValueError(f"the writer of {self.folder} is closed")
        if first_index != self.next_index or last_index > self.span[1]:
            raise ValueError(
                f"masks must continue at {self.next_index} and end by {self.span[1]}, got {first_index}..{last_index}"
            )
        items = [(mask_key(first_index + offset), value) for offset, value in enumerate(values)]
        state = self._state.advanced(items)
        # What the shard says of itself lies behind the masks and is put anew after them, so that pages fill up.
        commit(self._file, sorted([*items, (RECORD_KEY, state.record.to_json()), *state.items()]))
        self._state = state

    def encode(self, mask: Mask) -> bytes:
        """Return a mask as the store keeps it; callable from several threads.

        Raises:
            ValueError: it is no (H, W) uint8.
        """
        if mask.ndim != 2 or mask.dtype != "uint8" or mask.size == 0:
            raise ValueError(f"a mask must be (H, W) uint8 with H and W at least 1, got {mask.shape} {mask.dtype}")
        return self._codec.encode(mask)

    def finish(self) -> None:
        """Release the shard, having checked that it is complete.

        Raises:
            ValueError: masks are still missing.
        """
        if not self.complete:
            raise ValueError(f"{self.folder} lacks masks {self.next_index}..{self.span[1]}")
        self.close()

    def close(self) -> None:
        """Release the shard; what is stored stays, and another `open` goes on there."""
        self._lock.release()

    def __enter__(self) -> MaskStoreWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _check_siblings(store: Path, record: MaskRecord, shard: tuple[int, int]) -> None:
    """Refuse a store whose shards, this one or others, do not belong to `record` or to this number of shards."""
    if (store / DATA_FILE).exists():
        raise DataError(f"{store} is a database, not a mask store; choose another output")
    for (_, count), folder in shard_folders(store).items():
        if count != shard[1]:
            raise DataError(
                f"{store} is cut into {count} shards, not {shard[1]}; use the same number or choose another output"
            )
        if (folder / DATA_FILE).exists():
            difference = _record_of(folder).difference(record)
            if difference:
                raise DataError(f"{store} was made with {difference}; choose another output or delete that folder")


def begun_record(path: str | os.PathLike[str]) -> MaskRecord | None:
    """Return the record of the store at `path`, of its first shard that is there; None where none is begun.

    Raises:
        DataError: that shard is damaged.
    """
    begun = (folder for folder in shard_folders(Path(path)).values() if (folder / DATA_FILE).exists())
    return next(map(_record_of, begun), None)


def _record_of(folder: Path) -> MaskRecord:
    try:
        content = LmdbReader(folder).get(RECORD_KEY) or b""
    except DataError as error:
        raise DataError(f"{error}: delete that folder and run again") from error
    return MaskRecord.from_json(content, folder)

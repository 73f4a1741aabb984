"""Reading and writing lmdb folders, with LMDB's own errors put into words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import lmdb

from segrec.core.errors import DataError
from segrec.core.lmdb_environments import (
    DATA_FILE,
    PathLike,
    close_environment,
    closed,
    open_environments,
    read_environment,
)

SMALLEST_MAP = 1 << 20
MOST_VALUE_BYTES = 64_000_000
"""Of a value that is read, more than a word of 16 megapixels has; a longer one comes back cut, hence damaged."""
_SMALLEST_RECORD = 10
"""Bytes of a file that a record takes at least: its header of 8, its place of 2."""


class Revision(NamedTuple):
    """By what a database's file shows that something was written to it or that another took its place."""

    size: int
    modified: int
    """In nanoseconds."""
    transaction: int
    """Number of the last LMDB transaction."""
    last_page: int


class LmdbReader:
    """Values of an lmdb folder by key; picklable, and usable in forked children and from several threads.

    LMDB trusts the pages of its file; damaged ones can end the process, see `segrec.verify`.

    Args:
        path: the folder.
        steady: refuse to read on once the database has changed since construction, here or before pickling.

    Raises:
        DataError: as `read_environment`, at construction and at each read; a steady database has changed.
    """

    def __init__(self, path: PathLike, *, steady: bool = False) -> None:
        self.path = os.path.realpath(path)
        self._file = os.path.join(self.path, DATA_FILE)
        with open_environments().lock:  # else another thread might close it meanwhile, to make room
            environment = read_environment(self.path)
            known, entries = environment.info(), environment.stat()["entries"]
            found = os.stat(self._file)
        self.revision = Revision(found.st_size, found.st_mtime_ns, known["last_txnid"], known["last_pgno"])
        self.entries = min(entries, found.st_size // _SMALLEST_RECORD)
        """How many records it held at construction, as far as its file has room for them."""
        self._steady = steady

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, or None when the database lacks it."""
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values of `keys` as of one moment, None for each key that the database lacks."""
        try:
            try:
                return self._read(keys)
            except lmdb.MapResizedError:  # another process has grown the file since it was mapped
                close_environment(self.path)
                return self._read(keys)
        except lmdb.Error as error:
            raise DataError(f"{self.path} cannot be read ({error}); copy or make the database again") from error

    def _read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        if not self._steady:
            with self._transaction() as transaction:
                return [_kept(transaction.get(key)) for key in keys]
        self._require_unchanged()  # first too, because reading beyond the end of a file cut short kills the process
        with self._transaction() as transaction:
            number, values = transaction.id(), [_kept(transaction.get(key)) for key in keys]
        self._require_unchanged(number)
        return values

    @contextmanager
    def _transaction(self) -> Iterator[lmdb.Transaction]:
        environments = open_environments()
        with environments.lock:
            while self.path not in environments.by_path or environments.closing[environments.by_path[self.path].file]:
                read_environment(self.path)
            opened = environments.by_path[self.path] = environments.by_path.pop(self.path)
            environments.reading[opened.file] += 1
        try:
            with opened.environment.begin(buffers=True) as transaction:
                yield transaction
        finally:
            with environments.lock:
                environments.reading[opened.file] -= 1
                environments.lock.notify_all()

    def release(self) -> None:
        """Give back the memory of the pages read so far, unless a thread reads right now; the next read maps anew.

        LMDB maps the file, so what was read of it counts as this process's memory: for a run through a large one, all.
        """
        environments = open_environments()
        with environments.lock:
            opened = environments.by_path.get(self.path)
            if opened is not None and not environments.reading[opened.file]:
                close_environment(self.path)

    def _require_unchanged(self, transaction: int | None = None) -> None:
        """Raise DataError when the file, or the number of the last transaction, is not what it was."""
        try:
            found = os.stat(self._file)
        except OSError as error:
            raise DataError(f"{self.path} has gone while it was read ({error.strerror}); put it back") from error
        then = self.revision
        if (found.st_size, found.st_mtime_ns, transaction or then.transaction) != then[:3]:
            raise DataError(
                f"{self.path} was changed while it was read; let nothing write there, then begin anew, "
                "in another output where there is one"
            )


def _kept(value: bytes | memoryview | None) -> bytes | None:
    return None if value is None else bytes(value[:MOST_VALUE_BYTES])


def commit(file: PathLike, items: Sequence[tuple[bytes, bytes]], *, durable: bool = True) -> None:
    """Write `items` into the lmdb data file `file` in one transaction; all of them are there afterwards, or none.

    The bytes of the file after a commit depend only on its committed content before and on `items`: the file is opened
    for each commit, because an open LMDB environment recycles page buffers with old content in their unused part. The
    caller is the only writer; no lock file is made.

    Args:
        file: the data file itself (`<folder>/data.mdb` of a usual lmdb folder); made when absent.
        items: (key, value) pairs, put in this order. Pages are filled up where the keys rise and all lie behind those
            that stay; LMDB would leave the pages of other items a third empty.
        durable: wait until the disk holds them; without it a power cut (not a killed process) can lose them.

    Raises:
        DataError: the disk is full, or the file cannot be written or is not an LMDB file.
    """
    with closed(os.path.dirname(os.path.abspath(file))):
        _commit(os.fspath(file), items, durable=durable)


def _commit(file: str, items: Sequence[tuple[bytes, bytes]], *, durable: bool) -> None:
    payload = sum(len(key) + len(value) for key, value in items)
    growth = 2
    while True:
        try:
            return _commit_once(file, items, payload * growth, durable=durable)
        except lmdb.MapFullError:
            growth *= 2
        except lmdb.Error as error:
            raise DataError(f"cannot write {file} ({error}); free space or choose another output") from error


def _commit_once(file: str, items: Sequence[tuple[bytes, bytes]], room: int, *, durable: bool) -> None:
    environment = lmdb.open(file, subdir=False, lock=False, map_size=SMALLEST_MAP, sync=durable, readahead=False)
    try:
        used = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
        environment.set_mapsize(_map_size(used + room))
        with environment.begin(write=True) as transaction, transaction.cursor() as cursor:
            for key, _ in items:
                cursor.pop(key)
            rises = all(one < following for (one, _), (following, _) in pairwise(items))
            cursor.putmulti(items, append=rises and not (items and cursor.set_range(items[0][0])))
    finally:
        environment.close()


def _map_size(needed: int) -> int:
    """Return the power of two, at least `SMALLEST_MAP`, that leaves half of the map free."""
    return max(SMALLEST_MAP, 1 << (2 * needed - 1).bit_length())


def publish(partial: PathLike, folder: PathLike) -> None:
    """Rename the finished data file `partial` to the folder's `data.mdb`, after it has reached the disk.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    try:
        with open(partial, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(partial, Path(folder) / DATA_FILE)
    except OSError as error:
        raise DataError(f"cannot write {folder} ({error.strerror}); free space or choose another output") from error

"""Reading and writing lmdb folders, with LMDB's own errors put into words."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple, cast

import lmdb

from segrec.core.errors import DataError

PathLike = str | os.PathLike[str]
DATA_FILE = "data.mdb"
SMALLEST_MAP = 1 << 20
MOST_OPEN = 4096
"""Databases that a process holds open, however many files it may have."""


class _Opened(NamedTuple):
    environment: lmdb.Environment
    file: tuple[int, int]
    """Device and inode of the data file: LMDB allows one environment a file, whatever paths lead to it."""


class _OpenEnvironments:
    """The environments one process holds open, by real path; a forked child starts a fresh one."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.lock = threading.Condition()
        """Held for a change of what follows; notified when a read or a closing ends. Waiting gives it up."""
        self.by_path: dict[str, _Opened] = {}
        """The least recently used first."""
        self.reading: Counter[tuple[int, int]] = Counter()
        """Reads under way, by the file's device and inode."""
        self.closing: Counter[tuple[int, int]] = Counter()
        """Threads that close or write a file; no read of it begins meanwhile."""


_open_environments = _OpenEnvironments()


def _environments() -> _OpenEnvironments:
    """Return this process's environments; after a fork the inherited ones are closed and forgotten."""
    global _open_environments
    if _open_environments.process != os.getpid():
        inherited, _open_environments = _open_environments, _OpenEnvironments()
        for opened in inherited.by_path.values():
            opened.environment.close()
    return _open_environments


def read_environment(path: PathLike) -> lmdb.Environment:
    """Return the read-only environment of the lmdb folder `path`: one a path and process, opened on first use.

    Nothing is written beside the database (no lock file). A database that was replaced on disk since the last call
    is opened anew; one that was moved is the same environment. Of more databases than a quarter of the files
    that this process may have, those are closed that were not read for the longest time.

    Raises:
        DataError: the folder is missing, holds no lmdb, or its data file is empty, damaged or cut short.
    """
    folder = os.path.realpath(path)
    environments = _environments()
    with environments.lock:
        file = _file_identity(folder)
        while environments.closing[file]:
            environments.lock.wait()
            file = _file_identity(folder)
        known = environments.by_path.get(folder)
        if known is not None and known.file != file:
            close_environment(folder)
        shared = next((opened for opened in environments.by_path.values() if opened.file == file), None)
        if shared is None:
            _make_room(environments)
        opened = shared or _Opened(_open_for_reading(folder), file)
        environments.by_path[folder] = opened
        return opened.environment


def _make_room(environments: _OpenEnvironments) -> None:
    """Close what was not read for the longest time, so that one more may be opened."""
    surplus = len(environments.by_path) - _most_open() + 1
    if surplus > 0:
        idle = (path for path, opened in environments.by_path.items() if not environments.reading[opened.file])
        for path in list(islice(idle, surplus)):
            close_environment(path)


def _most_open() -> int:
    """Return how many databases to hold open: a store may have more shards than a process may have files."""
    try:
        import resource
    except ImportError:  # Windows
        return MOST_OPEN
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST_OPEN if files == resource.RLIM_INFINITY else min(MOST_OPEN, max(1, files // 4))


def close_environment(path: PathLike) -> None:
    """Close the environment of the lmdb folder `path` if this process holds it open, once no thread reads it."""
    with _closed(path):
        pass


@contextmanager
def _closed(path: PathLike) -> Iterator[None]:
    """Close the environment of a folder once the reads under way have ended; those that come meanwhile wait."""
    environments, folder = _environments(), os.path.realpath(path)
    with environments.lock:
        opened = environments.by_path.get(folder)
        file = _file_there(folder) if opened is None else opened.file
        environments.closing[file] += 1
        try:
            while environments.reading[file]:
                environments.lock.wait()
            _close(environments, file)
        except BaseException:  # an interrupt of the waiting
            _reopen(environments, file)
            raise
    try:
        yield
    finally:
        with environments.lock:
            _reopen(environments, file)


def _close(environments: _OpenEnvironments, file: tuple[int, int]) -> None:
    """Close the environment of a file that no thread reads, whatever paths lead to it."""
    for name in [name for name, opened in environments.by_path.items() if opened.file == file]:
        environments.by_path.pop(name).environment.close()


def _reopen(environments: _OpenEnvironments, file: tuple[int, int]) -> None:
    """Let reads of a file begin again."""
    environments.closing[file] -= 1
    if not environments.closing[file]:
        del environments.closing[file]
    environments.lock.notify_all()


def _file_there(folder: str) -> tuple[int, int]:
    """Return (device, inode) of the data file; (0, 0), which is none's, where there is none."""
    try:
        found = os.stat(os.path.join(folder, DATA_FILE))
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def _file_identity(folder: str) -> tuple[int, int]:
    """Return (device, inode) of the data file, having checked that there is one."""
    try:
        found = os.stat(os.path.join(folder, DATA_FILE))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(_absence(folder)) from error
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror}") from error
    if found.st_size == 0:
        raise DataError(f"{folder}: {DATA_FILE} is empty (0 bytes); copy or make the database again")
    return found.st_dev, found.st_ino


def _absence(folder: str) -> str:
    if os.path.isfile(folder):
        return f"{folder} is a file, not an lmdb folder; name the folder that holds {DATA_FILE}"
    if not os.path.isdir(folder):
        return f"{folder} does not exist; check the path"
    return f"{folder} is no lmdb folder: it holds no {DATA_FILE}; check the path, or make one with segrec render words"


def _open_for_reading(folder: str) -> lmdb.Environment:
    try:
        environment = lmdb.open(folder, readonly=True, lock=False, readahead=False, create=False)
    except lmdb.Error as error:
        if "already open" in str(error):
            raise DataError(
                f"{folder} is already open in this process through lmdb itself; close that environment first"
            ) from error
        raise DataError(f"{folder}: {DATA_FILE} is no readable lmdb file ({error}); copy or make it again") from error
    # LMDB maps the file: touching a page beyond its end would kill the process, so the length is checked first.
    declared = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    actual = os.path.getsize(os.path.join(folder, DATA_FILE))
    if actual < declared:
        environment.close()
        raise DataError(f"{folder}: {DATA_FILE} is cut short ({actual} of {declared} bytes); copy or make it again")
    return environment


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

    Args:
        path: the folder.
        steady: refuse to read on once the database has changed since construction, here or before pickling.

    Raises:
        DataError: as `read_environment`, at construction and at each read; a steady database has changed.
    """

    def __init__(self, path: PathLike, *, steady: bool = False) -> None:
        self.path = os.path.realpath(path)
        self._file = os.path.join(self.path, DATA_FILE)
        with _environments().lock:  # else another thread might close it meanwhile, to make room
            known = read_environment(self.path).info()
            found = os.stat(self._file)
        self.revision = Revision(found.st_size, found.st_mtime_ns, known["last_txnid"], known["last_pgno"])
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
                return [cast(bytes | None, transaction.get(key)) for key in keys]
        self._require_unchanged()  # first too, because reading beyond the end of a file cut short kills the process
        with self._transaction() as transaction:
            number, values = transaction.id(), [cast(bytes | None, transaction.get(key)) for key in keys]
        self._require_unchanged(number)
        return values

    @contextmanager
    def _transaction(self) -> Iterator[lmdb.Transaction]:
        environments = _environments()
        with environments.lock:
            while self.path not in environments.by_path or environments.closing[environments.by_path[self.path].file]:
                read_environment(self.path)
            opened = environments.by_path[self.path] = environments.by_path.pop(self.path)
            environments.reading[opened.file] += 1
        try:
            with opened.environment.begin() as transaction:
                yield transaction
        finally:
            with environments.lock:
                environments.reading[opened.file] -= 1
                environments.lock.notify_all()

    def release(self) -> None:
        """Give back the memory of the pages read so far, unless a thread reads right now; the next read maps anew.

        LMDB maps the file, so what was read of it counts as this process's memory: for a run through a large one, all.
        """
        environments = _environments()
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
        DataError: the disk is full, or the file cannot be written or is no lmdb file.
    """
    with _closed(os.path.dirname(os.path.abspath(file))):
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

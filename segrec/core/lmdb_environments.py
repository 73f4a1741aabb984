"""The lmdb environments that a process holds open: one a file, closed under nobody's read."""

from __future__ import annotations

import os
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

import lmdb

from segrec.core.errors import DataError
from segrec.core.reading_note import note_reading
from segrec.core.regular import irregular_kind

PathLike = str | os.PathLike[str]
DATA_FILE = "data.mdb"
MOST_OPEN = 4096
"""Databases that a process holds open, however many files it may have."""


class _Opened(NamedTuple):
    environment: lmdb.Environment
    file: tuple[int, int]
    """Device and inode of the data file: LMDB allows one environment a file, whatever paths lead to it."""


class OpenEnvironments:
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


_of_this_process = OpenEnvironments()


def open_environments() -> OpenEnvironments:
    """Return this process's environments; after a fork the inherited ones are closed and forgotten."""
    global _of_this_process
    if _of_this_process.process != os.getpid():
        inherited, _of_this_process = _of_this_process, OpenEnvironments()
        for opened in inherited.by_path.values():
            opened.environment.close()
    return _of_this_process


def read_environment(path: PathLike) -> lmdb.Environment:
    """Return the read-only environment of the lmdb folder `path`: one a path and process, opened on first use.

    Nothing is written beside the database (no lock file). A database that was replaced on disk since the last call
    is opened anew; one that was moved is the same environment. Of more databases than a quarter of the files
    that this process may have, those are closed that were not read for the longest time.

    Raises:
        DataError: the folder is missing, holds no lmdb, or its data file is empty, damaged or cut short.
    """
    folder = os.path.realpath(path)
    environments = open_environments()
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


def _make_room(environments: OpenEnvironments) -> None:
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
    with closed(path):
        pass


@contextmanager
def closed(path: PathLike) -> Iterator[None]:
    """Close the environment of a folder once the reads under way have ended; those that come meanwhile wait."""
    environments, folder = open_environments(), os.path.realpath(path)
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


def _close(environments: OpenEnvironments, file: tuple[int, int]) -> None:
    """Close the environment of a file that no thread reads, whatever paths lead to it."""
    for name in [name for name, opened in environments.by_path.items() if opened.file == file]:
        environments.by_path.pop(name).environment.close()


def _reopen(environments: OpenEnvironments, file: tuple[int, int]) -> None:
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
    kind = irregular_kind(found.st_mode)
    if kind is not None or stat.S_ISDIR(found.st_mode):
        raise DataError(
            f"{folder}: {DATA_FILE} is {kind or 'a folder'}, not an LMDB file; copy or make the database again"
        )
    if found.st_size == 0:
        raise DataError(f"{folder}: {DATA_FILE} is empty (0 bytes); copy or make the database again")
    return found.st_dev, found.st_ino


def _absence(folder: str) -> str:
    if os.path.isfile(folder):
        return f"{folder} is a file, not an LMDB folder; name the folder that holds {DATA_FILE}"
    if not os.path.isdir(folder):
        return f"{folder} does not exist; check the path"
    return f"{folder} is not an LMDB folder: it holds no {DATA_FILE}; check the path, or make one: segrec render words"


def _open_for_reading(folder: str) -> lmdb.Environment:
    note_reading(folder)
    try:
        environment = lmdb.open(folder, readonly=True, lock=False, readahead=False, create=False)
    except lmdb.Error as error:
        if "already open" in str(error):
            raise DataError(
                f"{folder} is already open in this process through lmdb itself; close that environment first"
            ) from error
        problem = f"{DATA_FILE} is not a readable LMDB file ({error})"
        raise DataError(f"{folder}: {problem}; copy or make it again") from error
    # LMDB maps the file: touching a page beyond its end would kill the process, so the length is checked first.
    declared = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    actual = os.path.getsize(os.path.join(folder, DATA_FILE))
    if actual < declared:
        environment.close()
        raise DataError(f"{folder}: {DATA_FILE} is cut short ({actual} of {declared} bytes); copy or make it again")
    return environment

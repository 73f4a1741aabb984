"""One writer a folder: an advisory lock that is given back with its file and ends with its process."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from segrec.core.errors import BusyError, DataError, LibraryError

LOCK_FILE = ".lock"
"""Empty, in the folder while it is held; one that a killed process left behind holds nothing."""

_held: set[FolderLock] = set()
_fork_hook_installed = False


class FolderLock:
    """An exclusive lock on an existing folder, held from construction until `release` or the end of the process.

    A killed process frees it at once, even while its forked children live on.

    The lock is flock on a regular file that is open for writing. On NFS, Linux makes that a lock of the server, which
    keeps the writers of all nodes apart (flock on the folder itself would hold on one node alone); not so where the
    share is mounted with `nolock` or `local_lock`, and the lock of a node that crashed lasts until the server gives up
    on that node. fcntl's own locks would hold there too, but they end when anything in the process closes the file.

    Raises:
        BusyError: another writer holds it.
        DataError: the file system knows no locks.
        LibraryError: the operating system has no flock.
        OSError: the lock file cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._file = Path(folder).absolute() / LOCK_FILE
        self._descriptor = _locked(self._file)
        _install_fork_hook()
        _held.add(self)

    @property
    def held(self) -> bool:
        """Whether this process still holds the lock."""
        return self in _held  # a number alone may be another lock's by now

    def release(self) -> None:
        """Give the folder free and take the lock file away; a second call does nothing."""
        if self.held:
            _held.discard(self)
            with suppress(OSError):  # the folder has gone, or may no longer be written
                self._file.unlink()
            self.close()

    def close(self) -> None:
        """Close this process's descriptor, which a parent may still hold."""
        os.close(self._descriptor)


def lock_folder(folder: str | os.PathLike[str], *, remedy: str = "choose another output") -> FolderLock:
    """Return the lock on a folder, which is made when absent.

    Args:
        folder: to be written.
        remedy: what the message tells the user to do.

    Raises:
        BusyError: another writer holds it.
        DataError: the folder cannot be made, written or locked.
        LibraryError: the operating system has no flock.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return FolderLock(folder)
    except OSError as error:
        raise DataError(f"cannot write {folder}: {error.strerror or error}; {remedy}") from error


def _locked(file: Path) -> int:
    """Return the descriptor of the file, made when absent, with the lock on it."""
    try:
        import fcntl
    except ImportError as error:
        raise LibraryError("writing a database needs flock, which this system lacks; use Linux or macOS") from error
    while True:
        descriptor = _opened(file)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise BusyError(
                    f"{file.parent} is being written by another process; wait for it or choose another output"
                ) from error
            raise DataError(
                f"{file.parent} cannot be locked ({error.strerror}); choose an output on a local disk"
            ) from error
        if _is_at(descriptor, file) or _is_at(descriptor, file.parent):
            return descriptor
        os.close(descriptor)  # whoever held it took the file away meanwhile


def _opened(file: Path) -> int:
    """Return the descriptor of the file; of its folder where nothing may be made in it, for nothing will be written."""
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        return os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)


def _is_at(descriptor: int, file: Path) -> bool:
    """Return whether an open file is still the one at that path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(file))
    except FileNotFoundError:
        return False


def _install_fork_hook() -> None:
    global _fork_hook_installed
    if not _fork_hook_installed:
        os.register_at_fork(after_in_child=_forget_inherited)
        _fork_hook_installed = True


def _forget_inherited() -> None:
    """Close a forked child's copies, which would keep the lock after the parent's death."""
    for lock in _held:
        lock.close()
    _held.clear()

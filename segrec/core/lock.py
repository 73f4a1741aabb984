"""One writer a folder: an advisory lock that leaves no file behind and ends with its process."""

from __future__ import annotations

import errno
import os

from segrec.core.errors import BusyError, DataError, LibraryError

_held: set[FolderLock] = set()
_fork_hook_installed = False


class FolderLock:
    """An exclusive lock on an existing folder, held from construction until `release` or the end of the process.

    A killed process frees it at once, even while its forked children live on.

    Raises:
        BusyError: another writer holds it.
        DataError: the file system knows no locks.
        LibraryError: the operating system has no flock.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            import fcntl
        except ImportError as error:
            raise LibraryError("writing a database needs flock, which this system lacks; use Linux or macOS") from error
        self._descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise BusyError(
                    f"{folder} is being written by another process; wait for it or choose another output"
                ) from error
            raise DataError(
                f"{folder} cannot be locked ({error.strerror}); choose an output on a local disk"
            ) from error
        _install_fork_hook()
        _held.add(self)

    @property
    def held(self) -> bool:
        """Whether this process still holds the lock."""
        return self in _held  # a number alone may be another lock's by now

    def release(self) -> None:
        """Give the folder free; a second call does nothing."""
        if self.held:
            _held.discard(self)
            self.close()

    def close(self) -> None:
        """Close this process's descriptor, which a parent may still hold."""
        os.close(self._descriptor)


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

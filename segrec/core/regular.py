"""Opening files of others: only regular ones, and only up to a stated size."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from segrec.core.errors import DataError

MOST_TEXT_BYTES = 64_000_000
"""Lists, recipes, records and other texts that are larger than this are refused unread."""
MOST_JSON_BYTES = 160_000_000
"""Of a JSON file, which may hold the annotations of a whole dataset; what its values take is bounded beside."""
MOST_LIST_BYTES = 1_000_000_000
"""Of the list of a release: nine million words, nearly twice."""
MOST_LOG_BYTES = 256_000_000
"""Of the log of a run: a million steps."""
MOST_WEIGHTS_BYTES = 512 * 2**20
"""Of weights, and of the tensors in one file: twice the largest recognizer that is known (TRBA, 200 MB)."""
MOST_PICTURE_BYTES = 256_000_000
"""Picture files that are larger than this are refused unread."""

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def irregular_kind(mode: int) -> str | None:
    """Return what a file of this `st_mode` is in words, None for a regular file or a folder."""
    return next((words for is_kind, words in _KINDS if is_kind(mode)), None)


def require_regular(path: str | os.PathLike[str], *, most: int | None = None) -> int:
    """Return the size of a file in bytes, without opening it; links are followed.

    Args:
        path: of the file.
        most: the largest size in bytes that is taken; None takes any.

    Raises:
        DataError: it is not a regular file, or larger than `most`, or no file can have such a name.
        OSError: there is no such file, or it is a folder.
    """
    try:
        found = os.stat(path)
    except ValueError as error:  # a NUL character, or half of a pair
        raise DataError(f"no file can be named {str(path)!r} ({error}); correct the path") from error
    return _checked(path, found, most)


def open_regular(path: str | os.PathLike[str], *, most: int | None = None) -> BufferedReader:
    """Return a file opened for reading bytes; nothing is opened that could make a reader wait or never end.

    Args:
        path: of the file; links are followed.
        most: the largest size in bytes that is taken; None takes any.

    Raises:
        DataError: it is not a regular file, or larger than `most`, or no file can have such a name.
        OSError: there is no such file, it is a folder, or it cannot be opened.
    """
    require_regular(path, most=most)
    # Another file may have taken the name meanwhile: never wait for a pipe's writer, and look at what was opened.
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not _checked(path, os.fstat(opened), most):
            os.read(opened, 1)  # some files of /proc say that they are empty, and would give None later, for they wait
            os.lseek(opened, 0, os.SEEK_SET)
        return os.fdopen(opened, "rb")
    except BaseException:
        os.close(opened)
        raise


def read_regular(path: str | os.PathLike[str], *, most: int) -> bytes:
    """Return the bytes of a regular file of at most `most` bytes; for errors see `open_regular`."""
    with open_regular(path, most=most) as file:
        content = file.read(most + 1)  # files of /proc say that they hold nothing
    if len(content) > most:
        raise DataError(_too_large(path, len(content), most))
    return content


def read_regular_text(path: str | os.PathLike[str], *, most: int = MOST_TEXT_BYTES, encoding: str = "utf-8") -> str:
    """Return the text of a regular file, its line ends as they are; for errors see `open_regular`.

    Raises:
        UnicodeDecodeError: the bytes are not of that encoding.
    """
    return read_regular(path, most=most).decode(encoding)


def _checked(path: str | os.PathLike[str], found: os.stat_result, most: int | None) -> int:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(Path(path)))
    kind = irregular_kind(found.st_mode)
    if kind is not None:
        raise DataError(f"{path} is {kind}, not a regular file; copy its content into a file and name that")
    if most is not None and found.st_size > most:
        raise DataError(_too_large(path, found.st_size, most))
    return found.st_size


def _too_large(path: str | os.PathLike[str], size: int, most: int) -> str:
    return f"{path} has {size:,} bytes, more than the {most:,} that are read of such a file; is it the right one?"

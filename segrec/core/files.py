"""Files that are complete whenever they exist."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from segrec.core.errors import DataError
from segrec.core.foreign_json import parse_json
from segrec.core.regular import MOST_JSON_BYTES, MOST_WEIGHTS_BYTES, irregular_kind, open_regular, read_regular_text

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What only a write meets; its error names no file."""


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary sibling of `path`; it takes the name `path` only once it is whole and on disk.

    Args:
        path: the file to appear; its folder is made when absent.

    Raises:
        DataError: the folder cannot be written, the disk is full, or `path` is a device, a pipe or a socket; it is
            then as it was before. An OSError that is about another file is handed on as it is.
    """
    target = Path(path)
    _check_replaceable(target)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritten(target, error) from error
    try:
        try:
            yield partial
        except OSError as error:
            if not _is_about(error, partial):
                raise
            raise _unwritten(target, error) from error
        try:
            with open(partial, "rb") as handle:
                os.fsync(handle.fileno())
            _check_replaceable(target)
            os.replace(partial, target)
        except OSError as error:
            raise _unwritten(target, error) from error
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def _check_replaceable(target: Path) -> None:
    try:
        kind = irregular_kind(os.stat(target).st_mode)
    except OSError:  # there is nothing yet, or what follows says what is wrong
        return
    if kind is not None:
        raise DataError(f"cannot write {target}: it is {kind}, which is not replaced; choose another output")


def _is_about(error: OSError, file: Path) -> bool:
    """Return whether an error of code that writes `file` is of that writing, not of another file that it reads."""
    if error.filename is None:
        return error.errno in _NO_ROOM
    return isinstance(error.filename, str | bytes) and Path(os.fsdecode(error.filename)) == file


def _unwritten(target: Path, error: OSError) -> DataError:
    return DataError(f"cannot write {target}: {error.strerror or error}; choose another output or free space")


def check_writable(path: str | os.PathLike[str], option: str) -> None:
    """Refuse a file that could not be written at the end, before the work begins; its folder is made when absent.

    Args:
        path: the file to appear.
        option: where the user named it.

    Raises:
        DataError: the path is a folder, a device, a pipe or a socket, or lies in a folder that cannot be written.
    """
    file = Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot write {file}: {error.strerror}; choose another {option}") from error
    _check_replaceable(file)
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise DataError(f"cannot write {file}: it is a folder or lies in a protected one; choose another {option}")


def json_text(content: Any) -> str:
    """Return indented JSON that ends with a newline."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write `content` as `json_text` in UTF-8, atomically; for errors see `write_bytes`."""
    write_text(path, json_text(content))


def write_text(path: str | os.PathLike[str], content: str) -> None:
    """Write `content` as UTF-8, atomically; lines end as they do in `content`. For errors see `write_bytes`."""
    write_bytes(path, content.encode("utf-8"))


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file, atomically.

    Raises:
        DataError: the file cannot be written; an older one is then as it was.
    """
    with atomic_path(path) as partial:
        partial.write_bytes(content)


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return the parsed content of a JSON file.

    Raises:
        DataError: the file is missing or is not JSON.
    """
    try:
        return parse_json(read_regular_text(path, most=MOST_JSON_BYTES))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{path} is not valid JSON ({error}); it may be damaged, delete it or restore it") from error


def listed(given: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return paths or names as a list of texts; one alone is a list of one, not of its characters."""
    if isinstance(given, str | os.PathLike):
        return [os.fspath(given)]
    return [os.fspath(one) for one in given]


def set_listed(settings: object, *names: str) -> None:
    """Make lists of the attributes of a frozen dataclass that are sequences of paths or names, see `listed`."""
    for name in names:
        object.__setattr__(settings, name, listed(getattr(settings, name)))


def file_digest(path: str | os.PathLike[str], *, most: int | None = MOST_WEIGHTS_BYTES) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits.

    Args:
        path: of the file.
        most: bytes that are taken; None takes any number.

    Raises:
        DataError: it is not a regular file, or has more than `most` bytes.
        OSError: it cannot be read.
    """
    with open_regular(path, most=most) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()

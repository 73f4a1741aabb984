"""Reading what `torch.save` wrote, today's zip archives and the older row of pickles, within stated bounds."""

from __future__ import annotations

import io
import mmap
from io import BufferedReader
from typing import IO, Any

import torch
from torch import Tensor

from segrec.core.inert_pickle import InertUnpickler, Rules
from segrec.core.stored_tensors import Ledger, Storage
from segrec.core.torch_archive import Entry, entries_of

MOST_PICKLE_BYTES = 16_000_000
_OLD_MAGIC = 0x1950A86A20F9469CFC6C
"""First value of the files that torch wrote before 1.6."""


def read_torch_file(
    file: BufferedReader, size: int, *, most: int, drop_objects: bool = False, mapped: bool = False
) -> object:
    """Return the content of an open file of `torch.save`: tensors, numbers, texts and plain containers.

    Args:
        file: opened for reading bytes.
        size: of the file, in bytes.
        most: bytes that its tensors may have together.
        drop_objects: put a `Dropped` where the file has another object; without it such a file is refused.
        mapped: leave the tensors in the file until they are looked at; only for a file that nobody changes, of today's
            format.

    Raises:
        ForeignObjectError: the file holds another object (`segrec.core.inert_pickle`).
        ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError and others: the file is damaged, of another
            kind, or asks for more than it may.
    """
    start = file.read(4)
    file.seek(0)
    rules = Rules(Ledger(most), drop_objects)
    if start == b"PK\x03\x04":
        return _read_archive(file, size, rules, mapped)
    return _read_stream(file, size, rules)


def _read_archive(file: BufferedReader, size: int, rules: Rules, mapped: bool) -> object:
    """Return the content of today's format: a zip of one pickle and a file for each storage."""
    entries = entries_of(file, size)
    names = [name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(names) != 1:
        raise ValueError("no archive of torch.save")
    folder = names[0].removesuffix("data.pkl")
    if f"{folder}byteorder" in entries and _bytes_of(file, entries[f"{folder}byteorder"]) == b"big":
        raise ValueError("written on a big-endian machine, which this version does not read")
    whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if mapped else None
    known: dict[str, Storage] = {}

    def storage(dtype: torch.dtype, key: str, count: object) -> Storage:
        if key not in known:
            entry = entries[f"{folder}data/{key}"]
            length = rules.ledger.add_storage(dtype, count)
            if length > entry.size:
                raise ValueError("a storage that is shorter than its tensors")
            if whole is None:
                numbers = _numbers(_bytes_of(file, entry._replace(size=length)), dtype, length)
            else:
                numbers = _numbers(whole, dtype, length, entry.offset)
            known[key] = Storage(numbers, key, length)
        return known[key]

    entry = entries[names[0]]
    if entry.size > MOST_PICKLE_BYTES:
        raise ValueError(f"its pickle has more than {MOST_PICKLE_BYTES:,} bytes")
    return InertUnpickler(io.BytesIO(_bytes_of(file, entry)), rules, storage).load()


def _read_stream(file: BufferedReader, size: int, rules: Rules) -> object:
    """Return the content of the format before torch 1.6: pickles in a row, then the storages' bytes."""
    contents: dict[str, tuple[bytearray, torch.dtype]] = {}

    def storage(dtype: torch.dtype, key: str, count: object) -> Storage:
        if key not in contents:
            length = rules.ledger.add_storage(dtype, count)
            if rules.ledger.stored > size:
                raise ValueError("storages that are longer than the file")
            contents[key] = (bytearray(length), dtype)
        content, own = contents[key]
        return Storage(_numbers(content, own, len(content)), key, len(content))

    pickled = _BoundedFile(file, MOST_PICKLE_BYTES)
    if InertUnpickler(pickled, rules, storage).load() != _OLD_MAGIC:
        raise ValueError("no file of torch.save")
    for _ in ("protocol", "machine"):
        InertUnpickler(pickled, rules, storage).load()
    content = InertUnpickler(pickled, rules, storage).load()
    keys: Any = InertUnpickler(pickled, rules, storage).load()
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        buffer, dtype = contents[str(key)]
        if count * dtype.itemsize != len(buffer) or file.readinto(buffer) != len(buffer):
            raise ValueError("cut short")
    return content


def _bytes_of(file: BufferedReader, entry: Entry) -> bytearray:
    content = bytearray(entry.size)
    file.seek(entry.offset)
    if file.readinto(content) != entry.size:
        raise ValueError("cut short")
    return content


def _numbers(content: Any, dtype: torch.dtype, length: int, offset: int = 0) -> Tensor:
    """Return `length` bytes of a buffer, from `offset`, as numbers."""
    count = length // dtype.itemsize
    return torch.frombuffer(content, dtype=dtype, count=count, offset=offset) if count else torch.empty(0, dtype=dtype)


class _BoundedFile:
    """A file of which a limited number of bytes can be read as pickles, whatever lengths they name."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._left = file, most

    def read(self, count: int) -> bytes:
        """Return `count` bytes, fewer at the end."""
        self._take(count)
        return self._file.read(count)

    def readline(self) -> bytes:
        """Return the bytes up to the next line end."""
        line = self._file.readline(self._left + 1)
        self._take(len(line))
        return line

    def _take(self, count: int) -> None:
        self._left -= count
        if count < 0 or self._left < 0:
            raise ValueError(f"its pickle has more than {MOST_PICKLE_BYTES:,} bytes")

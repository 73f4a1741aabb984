"""The folder of a `torch.save` zip file, checked before anything of it is read."""

from __future__ import annotations

import struct
from io import BufferedReader
from typing import NamedTuple

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES, _END64_BYTES, _LISTED_BYTES, _LOCAL_BYTES = 22, 20, 56, 46, 30
_IN_EXTRA = 0xFFFFFFFF
"""What stands for a number that a zip64 field holds."""

MOST_DIRECTORY_BYTES = 8_000_000
"""A directory of 100,000 names; a network of a million parts has no more."""


class Entry(NamedTuple):
    """Where the bytes of one file of the archive lie: a stored, uncompressed run of the whole."""

    offset: int
    size: int


def entries_of(file: BufferedReader, size: int) -> dict[str, Entry]:
    """Return the files in an open archive of `size` bytes by name.

    Everything is checked here: no file is compressed, all lie inside the archive and none over another, so that they
    together are no larger than the archive is.

    Raises:
        ValueError: the archive is damaged, compressed, or its files lie over each other.
    """
    begin, length, count = _directory(file, size)
    if length > MOST_DIRECTORY_BYTES or begin + length > size or count * _LISTED_BYTES > length:
        raise ValueError("its directory is damaged")
    file.seek(begin)
    listing = file.read(length)
    entries: dict[str, Entry] = {}
    place = 0
    for _ in range(count):
        name, header_offset, stored, place = _listed(listing, place)
        if name in entries:
            raise ValueError(f"it holds {name!r} twice")
        entries[name] = Entry(_content_offset(file, header_offset), stored)
    _check_apart(entries, begin)
    return entries


def _directory(file: BufferedReader, size: int) -> tuple[int, int, int]:
    """Return where the directory begins, its length in bytes and how many files it lists."""
    tail_bytes = min(size, _END_BYTES + _LOCATOR_BYTES)
    file.seek(size - tail_bytes)
    tail = file.read(tail_bytes)
    end = tail[-_END_BYTES:]
    if len(end) < _END_BYTES or not end.startswith(_END):
        raise ValueError("its end is missing")
    count, length, begin = struct.unpack("<10xHII2x", end)
    if len(tail) == _END_BYTES + _LOCATOR_BYTES and tail.startswith(_LOCATOR64):
        file.seek(min(struct.unpack("<8xQ4x", tail[:_LOCATOR_BYTES])[0], size))
        end64 = file.read(_END64_BYTES)
        if len(end64) < _END64_BYTES or not end64.startswith(_END64):
            raise ValueError("its end is damaged")
        count, length, begin = struct.unpack("<32xQQQ", end64)
    return begin, length, count


def _listed(listing: bytes, place: int) -> tuple[str, int, int, int]:
    """Return name, place of the header, and size of the file listed at `place`, and the place of the next."""
    fixed = listing[place : place + _LISTED_BYTES]
    if len(fixed) < _LISTED_BYTES or not fixed.startswith(b"PK\x01\x02"):
        raise ValueError("its directory is damaged")
    flags, method = struct.unpack_from("<HH", fixed, 8)
    packed, unpacked, name_bytes, extra_bytes, comment_bytes = struct.unpack_from("<IIHHH", fixed, 20)
    (header_offset,) = struct.unpack_from("<I", fixed, 42)
    name_end = place + _LISTED_BYTES + name_bytes
    name = listing[place + _LISTED_BYTES : name_end]
    wide = _wide_numbers(listing[name_end : name_end + extra_bytes])
    unpacked, packed, header_offset = (
        (wide.pop(0) if wide else -1) if number == _IN_EXTRA else number for number in (unpacked, packed, header_offset)
    )
    if method or flags & 1 or packed != unpacked or min(packed, header_offset) < 0:
        raise ValueError(f"{name[:60].decode('utf-8', 'replace')!r} in it is compressed, which torch.save never does")
    return name.decode("utf-8"), header_offset, unpacked, name_end + extra_bytes + comment_bytes


def _wide_numbers(extra: bytes) -> list[int]:
    """Return the 64-bit numbers of an extra field, in its order: size, packed size, place."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            body = extra[place + 4 : place + 4 + length]
            return [number for (number,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8])]
        place += 4 + length
    return []


def _content_offset(file: BufferedReader, header_offset: int) -> int:
    file.seek(header_offset)
    header = file.read(_LOCAL_BYTES)
    if len(header) < _LOCAL_BYTES or not header.startswith(b"PK\x03\x04"):
        raise ValueError("its directory points to no file")
    name_bytes, extra_bytes = map(int, struct.unpack_from("<HH", header, 26))
    return header_offset + _LOCAL_BYTES + name_bytes + extra_bytes


def _check_apart(entries: dict[str, Entry], end: int) -> None:
    """Check that no file begins before the one in front of it ends, and none reaches into the directory."""
    before = 0
    for name, (offset, size) in sorted(entries.items(), key=lambda entry: entry[1]):
        if offset < before or offset + size > end:
            raise ValueError(f"{name[:60]!r} in it lies over another file")
        before = offset + size

"""The chunks of PNG files: written where no library writes such a file, and checked before libpng reads them.

libpng writes to the terminal what it finds wrong, a line for each file.
"""

from __future__ import annotations

import struct
import zlib

GREY, RGB = 0, 2
"""Colour types."""
END = b"IEND"
_SIGNATURE, _HEADER = b"\x89PNG\r\n\x1a\n", struct.Struct(">IIBBBBB")
_CHUNK, _BEGIN, _FRAME, _FILTERS = struct.Struct(">I4s"), 8, 12, 5


def beginning(size: tuple[int, int], depth: int, color: int) -> bytes:
    """Return what a PNG file begins with.

    Args:
        size: (height, width).
        depth: bits a value.
        color: `GREY` or `RGB`.
    """
    return _SIGNATURE + chunk(b"IHDR", _HEADER.pack(size[1], size[0], depth, color, 0, 0, 0))


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """Return a chunk of a PNG file: its length, kind, content and checksum."""
    return _CHUNK.pack(len(content), kind) + content + zlib.crc32(kind + content).to_bytes(4, "big")


def check_grey_png(data: bytes, size: tuple[int, int], depth: int) -> None:
    """Check the chunks and the packed rows of a PNG file of one channel that is not interlaced.

    Args:
        data: the file, known to begin as one.
        size: (height, width), as its header says.
        depth: bits a pixel.

    Raises:
        ValueError: it is cut short or damaged.
    """
    packed, place, kind = [], _BEGIN, b""
    while kind != END:
        if place + _FRAME > len(data):
            raise ValueError("it is cut short")
        length, kind = _CHUNK.unpack_from(data, place)
        end = place + _FRAME + length
        if data[end - 4 : end] != zlib.crc32(data[place + 4 : end - 4]).to_bytes(4, "big"):
            raise ValueError("a part of it is damaged")
        if kind == b"IDAT":
            packed.append(data[place + _BEGIN : end - 4])
        place = end
    row = 1 + (size[1] * depth + 7) // 8
    unpacking = zlib.decompressobj()
    try:
        rows = unpacking.decompress(b"".join(packed), row * size[0] + 1)
    except zlib.error as error:
        raise ValueError("its rows are damaged") from error
    if len(rows) != row * size[0] or not unpacking.eof or max(rows[::row]) >= _FILTERS:
        raise ValueError("its rows are damaged")

"""Whether a PNG file is whole: libpng writes to the terminal what it finds wrong, a line for each file."""

from __future__ import annotations

import struct
import zlib

_CHUNK, _BEGIN, _FRAME, _FILTERS = struct.Struct(">I4s"), 8, 12, 5


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
    while kind != b"IEND":
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

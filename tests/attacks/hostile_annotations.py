"""Annotations and records of strangers as JSON, MATLAB files and lists, that cost more than they say."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

JSONS = {
    "a number of 5000 digits": '[[1, 2, 3, "' + "9" * 5000 + '"]]',
    "a bare number of 5000 digits": "[[1, 2, 3, " + "9" * 5000 + "]]",
    "a number of 4000 digits": "[[1, 2, 3, " + "9" * 4000 + "]]",
    "nested": "[" * 100_000,
    "beyond numbers": "[[NaN, Infinity, 1e999, -1e999]]",
    "beyond float32": "[[1e300, 1e300, 1e301, 1e301]]",
    "null": "null",
    "no polygon": '[{"polygon": null}]',
    "an object for a polygon": '[{"polygon": {"a": 1}}]',
    "texts": '[["a", "b", "c", "d"]]',
    "uneven": "[[[1, 2], [3], [4, 5]]]",
    "millions of lists": "[" + "[]," * 16_000_000 + "[]]",
    "millions of objects": "[" + "{}," * 16_000_000 + "{}]",
}
LINES = {
    "spaces": "1" + " " * 200_000 + "x",
    "digits": "1" * 200_000 + "x",
    "blank names": " " * 200_000 + ",",
    "quotes": "a," + '"' * 200_000,
    "brackets": "x: " + "[" * 200_000,
    "closed brackets": "x: [[1 2 3]], y: [[1 2 3]], transcriptions: [" + " ]" * 100_000 + "x",
}
LOGS = {
    "blank lines": b"\n" * 50_000_000,
    "a long line": b"a" * 50_000_000,
    "nested": b'{"step": 1, "loss": 2}\n' + b"[" * 100_000 + b"\n{}",
}
WARPS = {
    "no pictures": "{%s}",
    "a number for a picture": '{%s, "complete": true, "images": [7]}',
    "no files": '{%s, "complete": true, "images": [{"split": "test"}]}',
    "numbers for files": '{%s, "complete": true, "images": [{"split": "test", "files": {"image": 7}}]}',
}

_HEAD = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
_CELLS, _DOUBLES = 1, 6


def _element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def _matrix(kind: int, sides: tuple[int, int], *parts: bytes, name: bytes = b"gt") -> bytes:
    head = _element(6, struct.pack("<II", kind, 0)) + _element(5, struct.pack("<2i", *sides)) + _element(1, name)
    return _element(14, head + b"".join(parts))


def _packed(matrix: bytes) -> bytes:
    data = zlib.compress(matrix, 9)
    return struct.pack("<II", 15, len(data)) + data


_NUMBER = _matrix(_DOUBLES, (1, 1), _element(9, bytes(8)))


def _nested(levels: int) -> bytes:
    heads, length = [_NUMBER], 0
    for _ in range(levels):
        length += len(heads[-1])
        cell = _matrix(_CELLS, (1, 1))
        heads.append(cell[:4] + struct.pack("<I", len(cell) - 8 + length) + cell[8:])
    return b"".join(reversed(heads))


MATLABS = {
    "a billion cells": _HEAD + _matrix(_CELLS, (2**30, 1)),
    "many cells": _HEAD + _packed(_matrix(_CELLS, (500_000, 1), _NUMBER * 500_000)),
    "a bomb": _HEAD + _packed(_matrix(_DOUBLES, (100_000_000, 1), _element(9, bytes(800_000_000)))),
    "nested": _HEAD + _nested(100_000),
    "nested and packed": _HEAD + _packed(_nested(100_000)),
    "an old file of 2^62 numbers": struct.pack("<5i", 0, 2**31 - 1, 2**31 - 1, 0, 3) + b"gt\0",
    "cut short": _HEAD + b"\x0e\0\0\0",
}


def total_text(root: Path, picture: Path, truth: str, content: bytes) -> Path:
    """Write a Total-Text of one picture, whose polygons are a file of the given name."""
    for folder in ("Images", "groundtruth_pixel"):
        (root / folder / "Test").mkdir(parents=True)
        (root / folder / "Test" / "img1.jpg").write_bytes(picture.read_bytes())
    polygons = root / "groundtruth_polygonal_annotation" / "Test"
    polygons.mkdir(parents=True)
    (polygons / truth).write_bytes(content)
    return root

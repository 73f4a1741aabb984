"""Reading an ONNX file, and without the package onnx so much of its fields as shows whether it names other files.

onnxruntime opens whatever files a network names, some releases wherever these lie. The layout is Protocol Buffers'
(https://protobuf.dev/programming-guides/encoding) of the messages in onnx.proto.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from segrec.core.errors import CheckpointError, DataError
from segrec.core.regular import MOST_WEIGHTS_BYTES, read_regular

MOST_FIELDS = 500_000
"""Of one file: ASTER with its loop has 4,300."""

_PARTS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Kinds of messages, and the numbers of those of their fields in which a tensor may lie."""
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_NUMBER, _EIGHT_BYTES, _MESSAGE, _FOUR_BYTES = 0, 1, 2, 5


def read_network(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of an `.onnx` file that has all its numbers in itself.

    Raises:
        CheckpointError: there is no such file, it is larger than `MOST_WEIGHTS_BYTES`, damaged, or has numbers in other
            files.
    """
    try:
        content = read_regular(path, most=MOST_WEIGHTS_BYTES)
        elsewhere = names_other_files(content)
    except FileNotFoundError as error:
        raise CheckpointError(f"no weights file at {path}; name an .onnx file") from error
    except DataError as error:
        raise CheckpointError(str(error)) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CheckpointError(f"{path} is not a readable .onnx file ({reason}); copy it again") from error
    if elsewhere:
        raise CheckpointError(
            f"{path} has its weights in other files, which are not opened; "
            "make it one file: onnx.save(onnx.load(path), other_path, save_as_external_data=False)"
        )
    return content


def names_other_files(content: bytes) -> bool:
    """Return whether a tensor of an ONNX file has its numbers in another file.

    Args:
        content: the file.

    Raises:
        ValueError: it is not an ONNX file, or has more than `MOST_FIELDS` fields.
    """
    left = MOST_FIELDS
    waiting = [("model", memoryview(content))]
    while waiting:
        kind, message = waiting.pop()
        for number, value in _fields(message):
            left -= 1
            if not left:
                raise ValueError(f"it has more than {MOST_FIELDS:,} fields")
            if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)):
                return True
            if number in _PARTS[kind] and isinstance(value, memoryview):
                waiting.append((_PARTS[kind][number], value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield the number and the value of each field: bytes, or an integer for numbers of any other form."""
    place = 0
    while place < len(message):
        tag, place = _integer(message, place)
        tag &= 2**32 - 1  # as C++ has it: higher bits must hide no field
        form = tag & 7
        value: memoryview | int = 0
        if form == _NUMBER:
            value, place = _integer(message, place)
        elif form in (_EIGHT_BYTES, _FOUR_BYTES):
            place += 8 if form == _EIGHT_BYTES else 4
        elif form == _MESSAGE:
            length, place = _integer(message, place)
            value = message[place : place + length]
            place += length
        else:
            raise ValueError("it is not a network in ONNX")
        if place > len(message):
            raise ValueError("it is cut short")
        yield tag >> 3, value


def _integer(message: memoryview, place: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and the place after it."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise ValueError("it is cut short")
        number |= (message[place] & 127) << shift
        place += 1
        if message[place - 1] < 128:
            return number & (2**64 - 1), place
    raise ValueError("it is not a network in ONNX")

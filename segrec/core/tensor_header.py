"""What a safetensors file says of its tensors, checked before any of them is read."""

from __future__ import annotations

import math
import os
from typing import Any

from segrec.core.errors import DataError
from segrec.core.foreign_json import parse_json
from segrec.core.regular import open_regular

MOST_PARAMETERS = 100_000_000
"""Numbers of a network and of its file, twice the largest recognizer that segrec knows (TRBA, 50 million)."""
MOST_HEADER_BYTES = 8_000_000
_LARGEST = 4 * MOST_PARAMETERS + MOST_HEADER_BYTES
_FLOATS = ("F64", "F32", "F16", "BF16")
_TAKEN = (*_FLOATS, "I64", "I32", "I16", "I8", "U8", "BOOL")


def check_tensor_header(path: str | os.PathLike[str]) -> None:
    """Check that a safetensors file holds plain tensors of at most `MOST_PARAMETERS` numbers in total.

    Whether the file is whole, and its tensors apart from each other, is checked by the safetensors library.

    Raises:
        DataError: it is not a regular file, too large, or holds numbers of a kind that no network here has.
        ValueError: the header is damaged.
        OSError: the file cannot be read.
    """
    with open_regular(path, most=_LARGEST) as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MOST_HEADER_BYTES:
            raise ValueError(f"its header has more than {MOST_HEADER_BYTES:,} bytes")
        text = file.read(length)
    header = parse_json(text)
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    total = 0
    for name, entry in header.items():
        if name != "__metadata__":
            total += _numbers(path, name, entry)
    if total > MOST_PARAMETERS:
        raise DataError(f"{path} holds {total:,} numbers, more than the {MOST_PARAMETERS:,} of any network read here")


def _numbers(path: str | os.PathLike[str], name: str, entry: Any) -> int:
    """Return how many numbers a tensor has."""
    shape, kind = (entry.get("shape"), entry.get("dtype")) if isinstance(entry, dict) else (None, None)
    if not isinstance(shape, list) or not all(type(side) is int and 0 <= side < 2**63 for side in shape):
        raise ValueError(f"its header gives {name[:60]!r} no shape")
    if kind not in _TAKEN:
        raise DataError(
            f"{path} holds {name[:60]!r} as {str(kind)[:20]!r}, a type that no network here has; "
            "save the weights as float32 or float16"
        )
    return math.prod(shape)

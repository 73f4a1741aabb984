"""MATLAB files, which many annotations come in, read through SciPy."""

from __future__ import annotations

import os
import warnings
import zlib
from collections.abc import Sequence
from typing import Any, Literal

from segrec.core.errors import DataError
from segrec.core.memory import at_most
from segrec.core.packages import package
from segrec.core.regular import read_regular, require_regular

MOST_BYTES, DEEPEST = 32_000_000, 20
"""Of a file, unpacked, but for SynthText's: and how deep its cells and structures may lie in each other."""
_LOADED, _LOADED_A_BYTE = 500_000_000, 8
"""Memory that a file may take, and more for each byte of it."""
_HEADER, _TAG, _MATRIX, _PACKED = 128, 8, 14, 15


def load_matlab(
    path: str | os.PathLike[str],
    *,
    variables: Sequence[str] | None = None,
    otherwise: str = "",
    most: int | None = MOST_BYTES,
) -> dict[str, Any]:
    """Return the variables of a MATLAB file (versions 4 to 7.2) by their names.

    Args:
        path: of the file.
        variables: only these, the others are not unpacked; None for all.
        otherwise: what a user without SciPy can do instead, for the message.
        most: bytes that the file may have, packed and unpacked; None takes any, and trusts that nothing lies deep.

    Raises:
        LibraryError: SciPy is missing.
        DataError: the file cannot be read.
    """
    scipy = package(
        "scipy.io", f"{path} is a MATLAB file, which SciPy reads; pip install 'segrec[datasets]'{otherwise}"
    )
    try:
        size = require_regular(path, most=most)
        if most is not None:
            _check_depth(read_regular(path, most=most), most)
        with at_most(_LOADED + _LOADED_A_BYTE * size), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content: dict[str, Any] = scipy.loadmat(str(path), variable_names=variables)
    except DataError:
        raise
    except Exception as error:  # SciPy raises whatever its parsing of damaged bytes runs into
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DataError(f"{path} is not a readable MATLAB file ({reason}); fetch it again") from error
    return content


def _check_depth(content: bytes, most: int) -> None:
    """Check how deep the matrices of a file of version 5 lie in each other: SciPy would run out of stack.

    Raises:
        ValueError: too deep, or more than `most` bytes when they are unpacked.
    """
    if len(content) < _HEADER or not content.startswith(b"MATLAB 5"):
        return
    order: Literal["little", "big"] = "little" if content[126:128] == b"IM" else "big"
    place = _HEADER
    while place + _TAG <= len(content):
        kind, length = (int.from_bytes(content[at : at + 4], order) for at in (place, place + 4))
        body = content[place + _TAG : place + _TAG + length]
        if kind == _PACKED:
            unpacked = zlib.decompressobj().decompress(body, most + 1)
            most -= len(unpacked)
            if most < 0:
                raise ValueError("it is too large when it is unpacked")
            body = unpacked[_TAG:]
        if kind in (_MATRIX, _PACKED):
            _walk(body, order)
        place += _TAG + length


def _walk(matrix: bytes, order: Literal["little", "big"]) -> None:
    ends, place = [len(matrix)], 0
    while place + _TAG <= len(matrix):
        kind, length = (int.from_bytes(matrix[at : at + 4], order) for at in (place, place + 4))
        if kind >> 16:  # a small element, of four bytes beside its kind
            length = 0
        while place >= ends[-1] and len(ends) > 1:
            ends.pop()
        if kind == _MATRIX:
            ends.append(place + _TAG + length)
            if len(ends) > DEEPEST:
                raise ValueError(f"its cells lie more than {DEEPEST} deep in each other")
            length = 0
        place += _TAG + length + -length % 8

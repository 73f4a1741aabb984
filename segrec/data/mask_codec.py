"""How a mask becomes bytes in a mask store, by the name that the store's record carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segrec.core.errors import DataError
from segrec.core.images import decode_mask, encode_png

Mask = NDArray[np.uint8]
"""(H, W) uint8, 0..255."""

DEFAULT_CODEC = "png16"
_SIXTEEN_LEVELS = (np.round(np.arange(256) / 17) * 17).astype(np.uint8)


@dataclass(frozen=True)
class MaskCodec:
    """A pair of functions; `encode` never gives empty bytes, which stand for an unreadable image."""

    name: str
    encode: Callable[[Mask], bytes]
    decode: Callable[[bytes], Mask]


def _encode_png16(mask: Mask) -> bytes:
    return encode_png(_SIXTEEN_LEVELS[mask], 9)


_CODECS = {codec.name: codec for codec in [MaskCodec("png16", _encode_png16, decode_mask)]}


def mask_codec(name: str) -> MaskCodec:
    """Return the codec called `name`. `png16`: 16 grey levels (multiples of 17, off by at most 8) as 8-bit PNG.

    Raises:
        DataError: there is no such codec in this version.
    """
    if name not in _CODECS:
        raise DataError(f"mask codec {name!r} is unknown, expected one of {', '.join(_CODECS)}; update segrec")
    return _CODECS[name]

"""How a mask becomes bytes in a mask store, by the name that the store's record carries."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segrec.core.errors import DataError
from segrec.core.images import decode_mask, encode_png, opencv
from segrec.core.png_parts import END, GREY, beginning, chunk

Mask = NDArray[np.uint8]
"""(H, W) uint8, 0..255."""

DEFAULT_CODEC = "png16"
EXACT_CODEC = "png8"
HOLE = b"no mask: "
"""What stands before the reason where a word was given no mask; no encoded mask begins so."""
UNREADABLE = "no image"
"""The reason that empty bytes stand for."""
_STEP = 17
_NEAREST_LEVEL = np.round(np.arange(256) / _STEP).astype(np.uint8)
_BITS = 4


@dataclass(frozen=True)
class MaskCodec:
    """A mask's way into bytes and back; `encode` never gives empty bytes, which stand for an unreadable image.

    Attributes:
        name: in the store's record.
        encode: to bytes.
        decode: from them.
        levels: (256,), what each value of a pixel comes back as; None where neighbours have a say in it.
    """

    name: str
    encode: Callable[[Mask], bytes]
    decode: Callable[[bytes], Mask]
    levels: NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)

    def as_stored(self, mask: Mask) -> Mask:
        """Return a mask as it comes back from its bytes, which are not written where `levels` say it."""
        if self.levels is None:
            return self.decode(self.encode(mask))
        return np.asarray(opencv().LUT(mask, self.levels), dtype=np.uint8)


def mask_codec(name: str) -> MaskCodec:
    """Return the codec called `name`.

    `png16`: 16 grey levels (multiples of 17, off by at most 8) as 4-bit PNG; `png8`: all 256 levels.

    Raises:
        DataError: there is no such codec in this version.
    """
    if name not in _CODECS:
        raise DataError(f"mask codec {name!r} is unknown, expected one of {', '.join(_CODECS)}; update segrec")
    return _CODECS[name]


def hole(reason: str) -> bytes:
    """Return what a store keeps in the place of a mask that was refused for `reason`."""
    return HOLE + reason.encode("utf-8")


def hole_reason(value: bytes) -> str | None:
    """Return why a stored value is not a mask, or None where it is one."""
    if not value:
        return UNREADABLE
    return value.removeprefix(HOLE).decode("utf-8", "replace") if value.startswith(HOLE) else None


def _encode_png16(mask: Mask) -> bytes:
    """Return a 4-bit grey PNG: any PNG reader gives levels times 17; OpenCV writes no 4-bit files itself."""
    height, width = mask.shape
    levels = np.zeros((height, width + width % 2), np.uint8)
    levels[:, :width] = _NEAREST_LEVEL[mask]
    rows = np.zeros((height, 1 + levels.shape[1] // 2), np.uint8)  # each row begins with its filter, 0 for none
    rows[:, 1:] = levels[:, ::2] << 4 | levels[:, 1::2]
    pixels = zlib.compress(rows.tobytes(), 6)
    return beginning((height, width), _BITS, GREY) + chunk(b"IDAT", pixels) + chunk(END)


_CODECS = {
    codec.name: codec
    for codec in [
        MaskCodec(DEFAULT_CODEC, _encode_png16, decode_mask, _NEAREST_LEVEL * np.uint8(_STEP)),
        MaskCodec(EXACT_CODEC, encode_png, decode_mask, np.arange(256, dtype=np.uint8)),
    ]
}

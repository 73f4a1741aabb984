"""Pictures as word databases of the world hold them: odd but sound ones, damaged ones, and bombs."""

from __future__ import annotations

import io
import struct
import zlib
from typing import NamedTuple

import numpy as np
from PIL import Image  # to write the kinds of files that segrec itself never writes

from segrec.core.images import encode_png

SIZE = (24, 70)
"""Height and width of the sound ones."""
BOMB_SIDE = 60_000
UNNOTICED_SIDE = 13_000
"""A side of a bomb that stays below the limit of Pillow itself; it would take two gigabytes."""
ZEROS_SIDE = 6_000
"""A side of the picture of zeros, 35 kB that would take some 400 MB."""
_TURN_LEFT = 6
_ORIENTATION, _GREY, _COLOUR = 0x0112, 0, 2


class OddPicture(NamedTuple):
    """A file, and its (height, width) as it is shown; None when it is to count as unreadable."""

    data: bytes
    size: tuple[int, int] | None


def odd_pictures() -> dict[str, OddPicture]:
    """Return one picture of each kind, by what it is."""
    height, width = SIZE
    ramp = np.linspace(0, 255, height * width * 3).reshape(height, width, 3).astype(np.uint8)
    picture = Image.fromarray(ramp)
    frames = {"save_all": True, "append_images": [picture.rotate(180), picture.transpose(Image.Transpose.ROTATE_180)]}
    turned = Image.Exif()
    turned[_ORIENTATION] = _TURN_LEFT
    sound = {
        "CMYK JPEG": _saved(picture.convert("CMYK"), "JPEG"),
        "grey JPEG": _saved(picture.convert("L"), "JPEG"),
        "animated GIF": _saved(picture, "GIF", **frames),
        "animated WebP": _saved(picture, "WEBP", **frames),
        "animated PNG": _saved(picture, "PNG", **frames),
        "16-bit grey PNG": _saved(Image.fromarray(ramp[:, :, 0].astype(np.uint16) * 257), "PNG"),
        "16-bit colour PNG": _png(width, height, _COLOUR, 16, _rows(ramp.astype(">u2") * 257)),
        "black and white PNG": _saved(picture.convert("1"), "PNG"),
        "palette PNG with a transparent colour": _saved(picture.quantize(16), "PNG", transparency=3),
        "transparent PNG": _saved(picture.convert("RGBA"), "PNG"),
        "BMP": _saved(picture, "BMP"),
    }
    whole = _saved(picture, "JPEG")
    unreadable = {
        "zero bytes": b"",
        "no picture at all": b"this is a letter, not a picture",
        "cut JPEG": whole[: len(whole) // 2],
        "cut PNG": encode_png(ramp)[:90],
        "PNG that declares 60,000 x 60,000": _png(BOMB_SIDE, BOMB_SIDE, _COLOUR, 8, zlib.compress(bytes(99))),
        "JPEG that declares 60,000 x 60,000": _declaring(whole, BOMB_SIDE),
        "JPEG that declares 13,000 x 13,000": _declaring(whole, UNNOTICED_SIDE),
        "PNG of 6,000 x 6,000 zeros": _png(ZEROS_SIDE, ZEROS_SIDE, _GREY, 8, _zeros(ZEROS_SIDE)),
    }
    turned_jpeg = OddPicture(_saved(picture, "JPEG", exif=turned), (width, height))
    return (
        {name: OddPicture(data, SIZE) for name, data in sound.items()}
        | {"JPEG turned by EXIF": turned_jpeg}
        | {name: OddPicture(data, None) for name, data in unreadable.items()}
    )


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def _rows(values: np.ndarray) -> bytes:
    """Return the compressed rows, each behind its filter 0, of a PNG with the samples (H, W, C) `values`."""
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in values))


def _zeros(side: int) -> bytes:
    """Return the compressed rows of a black grey PNG, never holding them whole."""
    compressor = zlib.compressobj(6)
    row = bytes(1 + side)
    return b"".join([*(compressor.compress(row) for _ in range(side)), compressor.flush()])


def _png(width: int, height: int, colour: int, depth: int, pixels: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _declaring(jpeg: bytes, side: int) -> bytes:
    """Return the JPEG with another height and width in its frame header (SOF0)."""
    start = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:start] + struct.pack(">HH", side, side) + jpeg[start + 4 :]

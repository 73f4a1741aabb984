"""How large pictures may be, and what they take until they are RGB: looked at before one is unpacked."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from segrec.core.errors import DataError

FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "PPM", "TIFF", "JPEG2000", "WEBP", "TGA", "AVIF")
"""Of pictures that are read. Pillow knows more, some of which start other programs or have no bounds (EPS, PSD)."""

MAX_PIXELS = 178_956_970
"""Pictures that declare more pixels than this are refused before they are unpacked; it is Pillow's own limit."""
MAX_SIDE = 32_767
"""The longest side of a picture or mask: the most that OpenCV resizes."""
MOST_UNPACKED = 800_000_000
"""Bytes that a picture and its file may take until it is RGB: 110 megapixels of PNG or JPEG, fewer of other kinds."""
MOST_SCANS = 100
"""Of a JPEG file, each of which goes over all pixels; encoders write ten."""

_PLAIN, _WIDE, _OF_NUMBERS = 7, 32, 33
_OF_FORMAT = {"WEBP": 18, "JPEG2000": 30, "AVIF": 14}
"""Bytes a pixel at the moment of the highest use, all copies counted, measured."""
_PROGRESSIVE = 12
"""Of a JPEG file whose coefficients are kept until the last scan."""


def open_picture(data: bytes) -> Image.Image:
    """Return a picture of the formats that are read, not unpacked yet.

    Raises:
        UnidentifiedImageError: it has another format.
        DataError: it is a JPEG file of more than `MOST_SCANS` scans.
        Exception: whatever Pillow's plugins run into.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except KeyError as error:  # the last of the formats is unknown to an older Pillow
        raise UnidentifiedImageError from error
    if picture.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > MOST_SCANS:  # in coded data 0xFF stands alone
        raise DataError(f"the image has more than {MOST_SCANS} scans; save it again")
    return picture


def check_size(picture: Image.Image, *, max_pixels: int = MAX_PIXELS, beside: int = 0) -> None:
    """Refuse a picture, unpacked or not, that is too large or would take too much memory until it is RGB.

    Args:
        picture: not unpacked yet.
        max_pixels: the most that are taken.
        beside: bytes that are in memory meanwhile: its file, and other pictures.

    Raises:
        DataError: it is too large.
    """
    (width, height), too_large = picture.size, ""
    if width * height > max_pixels:
        too_large = f"more than {max_pixels:,}"
    elif max(width, height) > MAX_SIDE:
        too_large = f"a side of more than {MAX_SIDE:,}"
    elif _too_much(width * height, _OF_NUMBERS, beside) and _too_much(width * height, _bytes_a_pixel(picture), beside):
        too_large = f"which take more than {MOST_UNPACKED // 10**6} MB to unpack"
    if too_large:
        raise DataError(f"the image declares {width} x {height} pixels, {too_large}; shrink it first")


def is_wide(picture: Image.Image) -> bool:
    """Return whether a picture that is not unpacked yet has 16 bits a channel."""
    return ";16" in str(getattr(picture, "tile", ""))


def _too_much(pixels: int, bytes_a_pixel: int, beside: int) -> bool:
    return pixels * bytes_a_pixel + beside > MOST_UNPACKED


def _bytes_a_pixel(picture: Image.Image) -> int:
    """Return how many bytes each pixel takes at most until it is RGB: all copies that live at one time."""
    if picture.mode.startswith(("I", "F")):
        return _OF_NUMBERS
    if is_wide(picture):
        return _WIDE
    plain = _PROGRESSIVE if "progressive" in picture.info else _PLAIN
    return _OF_FORMAT.get(picture.format or "", plain)

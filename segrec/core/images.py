"""The only door to OpenCV and Pillow: decoding, encoding and resizing of pictures and masks."""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from segrec.core.bit_depth import eight_bits, lay_on_white
from segrec.core.errors import DamagedMaskError, DataError, LibraryError
from segrec.core.files import write_bytes
from segrec.core.packages import OPENCV, require
from segrec.core.picture_limits import MAX_PIXELS, MAX_SIDE, check_size, is_wide, open_picture
from segrec.core.png_parts import check_grey_png
from segrec.core.png_rows import png_rows
from segrec.core.regular import MOST_PICTURE_BYTES, read_regular

Array = NDArray[np.uint8]
Interpolation = Literal["nearest", "bilinear", "bicubic", "area"]
_OPENCV_FLAGS: dict[Interpolation, int] = {"nearest": 0, "bilinear": 1, "bicubic": 2, "area": 3}

MAX_MASK_PIXELS = 16_000_000
"""Of a stored mask: the most that a word's picture may have."""
_PNG, _PNG_HEADER = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", struct.Struct(">IIBBBBB")
_GREY = ((1, 0, 0, 0, 0), (2, 0, 0, 0, 0), (4, 0, 0, 0, 0), (8, 0, 0, 0, 0))
"""Depth, colour type, compression, filter and interlacing of PNG files of one channel of at most 8 bits."""

_ORIENTATION_TAG = 0x0112
_AS_STORED: dict[int, Callable[[Array], Array]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright.swapaxes(0, 1)[::-1],
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: upright[::-1].swapaxes(0, 1),
}
"""A view of an upright (H, W, 3) picture as its pixels are stored, for each EXIF orientation but the usual one."""
LARGE_BYTES = 64_000_000
"""Of an array; larger ones are not encoded in memory."""
_ROWS = 256
"""Of such a picture that are packed at once."""
_BAND = 1 << 20
"""Pixels that are converted at once, so that a large picture needs little more than its own memory."""

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Of red, green and blue, of ITU-R 601; they sum to 1, so normalising before or after makes no difference."""
LUMA = np.array(LUMA_WEIGHTS, dtype=np.float32)


@cache
def opencv() -> ModuleType:
    """Return the cv2 module, single-threaded so that loader workers do not fight for cores.

    Raises:
        LibraryError: OpenCV cannot be imported or is too old; the message names the package that mends it.
    """
    try:
        import cv2
    except ImportError as error:
        raise LibraryError(_opencv_remedy(str(error))) from error
    require("opencv-python", cv2.__version__, OPENCV)
    cv2.setNumThreads(0)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what it cannot decode is said by our errors
    return cv2


def _opencv_remedy(reason: str) -> str:
    if "libGL" in reason or ".so" in reason:
        return (
            f"OpenCV cannot load a system library ({reason}); "
            "install it (Debian and Ubuntu: apt-get install libgl1 libglib2.0-0) or replace the wheel: "
            "pip uninstall opencv-python && pip install opencv-python-headless"
        )
    return f"OpenCV cannot be imported ({reason}); pip install opencv-python"


def decode_image(data: bytes, *, upright: bool = True, max_pixels: int = MAX_PIXELS, beside: int = 0) -> Array:
    """Return the picture in `data` as (H, W, 3) uint8 RGB; 1x1 upwards, any mode Pillow or OpenCV knows.

    More than 8 bits a channel are scaled as `segrec.core.bit_depth.eight_bits` says; transparent pixels are laid on
    white.

    Args:
        upright: turn the picture by its EXIF orientation; False leaves the pixels as they are stored.
        max_pixels: a picture that declares more is refused before it is unpacked; at most `MAX_PIXELS`.
        beside: bytes of other pictures in memory, which leave this one less.

    Raises:
        DataError: the bytes are empty, damaged, no picture, or declare more than `max_pixels` pixels or a side of more
            than `MAX_SIDE`.
    """
    if not data:
        raise DataError("the image is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with open_picture(data) as picture:
                check_size(picture, max_pixels=max_pixels, beside=len(data) + beside)
                return _to_rgb(picture, data, upright)
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(f"the image declares more than {max_pixels:,} pixels; shrink it first") from error
    except UnidentifiedImageError as error:
        raise DataError(f"the image cannot be decoded ({len(data)} bytes in no picture format that is read)") from error
    except Exception as error:  # Pillow's plugins raise whatever their parsing of damaged bytes runs into
        raise DataError(f"the image cannot be decoded ({len(data)} bytes: {error})") from error


def from_pillow(picture: Image.Image) -> Array:
    """Return a Pillow picture as `decode_image` gives its file: (H, W, 3) uint8 RGB, upright, laid on white.

    Raises:
        DataError: it has no pixels, or more than a file may have, or they are damaged.
    """
    if not (picture.width and picture.height):
        raise DataError(f"the picture has no pixels: {picture.width} x {picture.height}")
    check_size(picture)
    try:
        return _to_rgb(picture, b"", upright=True)
    except Exception as error:  # a lazily opened file is unpacked only now; see `decode_image`
        raise DataError(f"the Pillow picture cannot be unpacked ({error})") from error


def _to_rgb(picture: Image.Image, data: bytes, upright: bool) -> Array:
    wide = is_wide(picture)
    orientation = picture.getexif().get(_ORIENTATION_TAG, 1) if upright else 1
    if picture.mode.startswith(("I", "F")):
        picture = Image.fromarray(eight_bits(np.asarray(picture)))
    elif wide:
        picture.load()  # first, since OpenCV's libraries write to the terminal what they find wrong
        picture = _of_sixteen_bits(data) or picture
    transparent = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    width, height = picture.size
    rgb = np.empty((width, height, 3) if orientation in (5, 6, 7, 8) else (height, width, 3), np.uint8)
    stored = _AS_STORED[orientation](rgb) if orientation in _AS_STORED else rgb
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        band = picture if rows >= height else picture.crop((0, top, width, min(top + rows, height)))
        if transparent:
            stored[top : top + rows] = lay_on_white(np.asarray(band.convert("RGBA")))
        else:
            stored[top : top + rows] = np.asarray(band if band.mode == "RGB" else band.convert("RGB"))
    return rgb


def _of_sixteen_bits(data: bytes) -> Image.Image | None:
    """Return an RGB or RGBA picture of 16 bits a channel, of which Pillow keeps the upper 8; None if OpenCV cannot."""
    cv2 = opencv()
    try:
        values = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if values is None or values.dtype != np.uint16 or values.shape[2:] not in ((3,), (4,)):
        return None
    return Image.fromarray(eight_bits(values[:, :, [2, 1, 0, 3][: values.shape[2]]]))


def read_image(
    path: str | os.PathLike[str], *, upright: bool = True, max_pixels: int = MAX_PIXELS, beside: int = 0
) -> Array:
    """Return the picture file as (H, W, 3) uint8 RGB, turned upright by its EXIF orientation.

    Args:
        path: of the file.
        upright: False leaves the pixels as they are stored, which is what coordinates of many datasets refer to.
        max_pixels: see `decode_image`.
        beside: bytes of other pictures in memory, which leave this one less.

    Raises:
        DataError: names the path and says what is wrong with it.
    """
    try:
        data = read_regular(path, most=MOST_PICTURE_BYTES)
    except OSError as error:
        raise DataError(f"cannot read image {path}: {error.strerror or error}") from error
    try:
        return decode_image(data, upright=upright, max_pixels=max_pixels, beside=beside)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def decode_mask(data: bytes, *, max_pixels: int = MAX_MASK_PIXELS) -> Array:
    """Return a stored mask, a grey PNG file that is not interlaced, as (H, W) uint8, 0..255.

    Args:
        data: the file.
        max_pixels: a mask that declares more is refused before it is unpacked.

    Raises:
        DamagedMaskError: the bytes are damaged, no such file, or declare too many pixels or too long a side.
    """
    cv2 = opencv()
    if not data.startswith(_PNG) or len(data) < len(_PNG) + _PNG_HEADER.size:
        raise DamagedMaskError(f"the mask cannot be decoded ({len(data)} bytes)")
    width, height, *kind = _PNG_HEADER.unpack_from(data, len(_PNG))
    if tuple(kind) not in _GREY:
        raise DamagedMaskError(f"the mask cannot be decoded ({len(data)} bytes of another kind than masks are)")
    if width * height > max_pixels or max(width, height) > MAX_SIDE:
        raise DamagedMaskError(f"the mask declares {width} x {height} pixels, more than a word's picture may have")
    try:
        check_grey_png(data, (height, width), kind[0])
        mask = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), 0)
    except (ValueError, cv2.error) as error:
        raise DamagedMaskError(f"the mask cannot be decoded ({len(data)} bytes)") from error
    if mask is None:
        raise DamagedMaskError(f"the mask cannot be decoded ({len(data)} bytes)")
    return np.asarray(mask, dtype=np.uint8)


def read_labels(path: str | os.PathLike[str]) -> Array:
    """Return a file of class numbers as (H, W) uint8: the indices of a palette picture, the values of a grey one.

    Raises:
        DataError: the file cannot be read, or has more than one 8-bit number a pixel.
    """
    try:
        data = read_regular(path, most=MOST_PICTURE_BYTES)
        with open_picture(data) as picture:
            check_size(picture, beside=len(data))
            if picture.mode not in ("P", "L", "1"):
                raise DataError(f"expected one 8-bit class number per pixel, got the mode {picture.mode}")
            return np.array(picture, dtype=np.uint8)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except Exception as error:  # see `decode_image`
        raise DataError(f"cannot read the labels {path}: {getattr(error, 'strerror', None) or error}") from error


def encode_png(array: Array, compression: int = 6) -> bytes:
    """Return the PNG bytes of an (H, W) mask or an (H, W, 3) RGB image, uint8, without loss.

    Raises:
        DataError: the array is not such a picture.
    """
    return _encode(".png", array, [opencv().IMWRITE_PNG_COMPRESSION, compression])


def write_png(path: str | os.PathLike[str], array: Array) -> None:
    """Write what `encode_png` takes as a PNG file, atomically; for errors see there and `write_bytes`.

    Large pictures go to the file in bands: OpenCV would keep three more copies of them, Pillow one that is larger.
    """
    if array.nbytes <= LARGE_BYTES or array.dtype != np.uint8 or array.shape[2:] not in ((), (3,)):
        write_bytes(path, encode_png(array))
        return
    with png_rows(path, (array.shape[0], array.shape[1]), array.size // (array.shape[0] * array.shape[1])) as take:
        for top in range(0, len(array), _ROWS):
            take(array[top : top + _ROWS])


def encode_jpeg(image: Array, quality: int = 95) -> bytes:
    """Return the JPEG bytes of an (H, W, 3) RGB image or an (H, W) grey one, uint8.

    Raises:
        DataError: the array is not such a picture, or a side is longer than the 65500 pixels that OpenCV writes.
    """
    return _encode(".jpg", image, [opencv().IMWRITE_JPEG_QUALITY, quality])


def decode_jpeg(data: bytes) -> Array:
    """Return the (H, W, 3) uint8 RGB of what `encode_jpeg` made of one, as `decode_image` does but sooner."""
    cv2 = opencv()
    return np.asarray(cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def _encode(suffix: str, array: Array, options: list[int]) -> bytes:
    cv2 = opencv()
    done, encoded = False, np.empty(0, np.uint8)
    if array.dtype == np.uint8 and array.size and array.ndim > 1 and array.shape[2:] in ((), (3,)):
        ordered = cv2.cvtColor(array, cv2.COLOR_RGB2BGR) if array.ndim == 3 else array
        done, encoded = cv2.imencode(suffix, ordered, options)
    if not done:
        raise DataError(f"an array of shape {array.shape} and type {array.dtype} cannot be encoded as {suffix}")
    return bytes(encoded.tobytes())


def resize(array: NDArray[Any], size: tuple[int, int], interpolation: Interpolation = "bilinear") -> NDArray[Any]:
    """Return `array`, (H, W) or (H, W, C), resampled to `size` (height, width); the type stays.

    `bilinear` and `bicubic` do not smooth before they shrink, see `resample` for that; `area` averages.
    """
    height, width = size
    if array.shape[:2] == (height, width):
        return array
    resized = opencv().resize(array, (width, height), interpolation=_OPENCV_FLAGS[interpolation])
    return np.asarray(resized).reshape(height, width, *array.shape[2:])

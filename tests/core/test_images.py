"""Decoding, encoding and resizing of pictures and masks."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from segrec.core.errors import DataError
from segrec.core.images import decode_image, decode_jpeg, decode_mask, encode_jpeg, encode_png, read_image, resize
from segrec.core.resampling import resample, to_grey

COLOR = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
PICTURE = Image.fromarray(COLOR)
ROTATE_WHEN_SHOWN = 6


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def declared(width: int, height: int) -> bytes:
    """Return a tiny PNG whose header declares a size that it does not have."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 99))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def test_a_colour_png_comes_back_as_it_was():
    assert np.array_equal(decode_image(encode_png(COLOR)), COLOR)
    one = np.array([[[1, 2, 3]]], np.uint8)
    assert np.array_equal(decode_image(encode_png(one)), one)


def test_grey_is_repeated_on_three_channels():
    grey = np.arange(54, dtype=np.uint8).reshape(6, 9)
    decoded = decode_image(saved(Image.fromarray(grey), "PNG"))
    assert decoded.shape == (6, 9, 3) and decoded.dtype == np.uint8
    assert all(np.array_equal(decoded[:, :, channel], grey) for channel in range(3))


def test_black_and_white_bits_become_0_and_255():
    bits = np.array([[0, 1, 1], [1, 0, 0]], bool)
    assert np.array_equal(decode_image(saved(Image.fromarray(bits), "PNG"))[:, :, 0], bits * np.uint8(255))


def test_transparent_pixels_are_laid_on_white():
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 51]]], np.uint8)
    assert decode_image(saved(Image.fromarray(rgba), "PNG")).tolist() == [[[10, 20, 30], [255, 255, 255], [204] * 3]]


def test_a_palettes_transparent_colour_is_laid_on_white():
    picture = Image.fromarray(np.array([[0, 1, 2]], np.uint8)).convert("P")
    picture.putpalette([9, 9, 9, 100, 50, 25, 1, 2, 3])
    decoded = decode_image(saved(picture, "PNG", transparency=0))
    assert decoded.tolist() == [[[255, 255, 255], [100, 50, 25], [1, 2, 3]]]


def test_sixteen_bits_are_scaled_to_eight():
    wide = np.array([[0, 257, 32896, 65535]], np.uint16)
    assert decode_image(saved(Image.fromarray(wide), "PNG"))[0].tolist() == [[0] * 3, [1] * 3, [128] * 3, [255] * 3]


def test_cmyk_becomes_rgb():
    ink = np.zeros((8, 8, 4), np.uint8)
    ink[:, :, 1:3] = 255  # magenta and yellow make red
    red = decode_image(saved(Image.frombytes("CMYK", (8, 8), ink.tobytes()), "JPEG", quality=100)).astype(int)
    assert np.abs(red - (255, 0, 0)).max() <= 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    quadrants = np.zeros((16, 32, 3), np.uint8)
    quadrants[:8, :16], quadrants[:8, 16:], quadrants[8:, :16] = 255, (255, 0, 0), (0, 0, 255)
    stored = saved(Image.fromarray(quadrants), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    upright = {
        1: quadrants,
        2: quadrants[:, ::-1],
        3: quadrants[::-1, ::-1],
        4: quadrants[::-1],
        5: quadrants.transpose(1, 0, 2),
        6: np.rot90(quadrants, -1),
        7: np.rot90(quadrants, 2).transpose(1, 0, 2),
        8: np.rot90(quadrants),
    }[orientation]
    decoded = decode_image(stored)
    assert decoded.shape == upright.shape
    assert np.abs(decoded[4::8, 4::8].astype(int) - upright[4::8, 4::8]).max() < 12


def test_odd_exif_does_not_spoil_a_good_picture():
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, ROTATE_WHEN_SHOWN, 0) + struct.pack("<HHI4s", 0x0128, 7, 3, b"odd")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<I", 0)
    assert decode_image(saved(PICTURE, "JPEG", exif=exif)).shape == (9, 6, 3)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_gives_its_first_frame(kind):
    frames = [Image.new("RGB", (12, 8), color) for color in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    decoded = decode_image(saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50))
    assert decoded.shape == (8, 12, 3)
    assert np.abs(decoded.astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"the image is empty \(0 bytes\)"),
        (b"no picture at all", r"\(17 bytes in no picture format that is read\)"),
        (encode_jpeg(np.tile(COLOR, (20, 20, 1)))[:-400], "truncated"),
        (encode_png(COLOR)[:60], "cannot be decoded"),
        (declared(60000, 60000), "declares more than 178,956,970 pixels; shrink it first"),
        (saved(PICTURE, "DDS")[:80] + bytes(4) + saved(PICTURE, "DDS")[84:], "cannot be decoded"),
    ],
    ids=["empty", "text", "cut JPEG", "cut PNG", "bomb", "unknown kind"],
)
def test_bytes_that_are_no_whole_picture_are_refused_in_one_line(data, message):
    with pytest.raises(DataError, match=message) as error:
        decode_image(data)
    assert "\n" not in str(error.value)


def test_damaged_pictures_give_a_picture_or_a_data_error():
    generator = random.Random(5)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = ROTATE_WHEN_SHOWN, "a sign"
    whole = [
        saved(PICTURE, "JPEG", exif=exif),
        saved(PICTURE, "WEBP"),
        saved(PICTURE.quantize(8), "GIF"),
        saved(PICTURE, "BMP"),
        saved(PICTURE, "TIFF"),
    ]
    outcomes = set()
    for turn in range(900):
        data = bytearray(whole[turn % len(whole)])
        for _ in range(3):
            data[generator.randrange(min(len(data), 250))] = generator.randrange(256)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcomes.add(decode_image(bytes(data)).shape[2])
        except DataError:
            outcomes.add("refused")
    assert outcomes == {3, "refused"}


def test_read_image_names_the_file(tmp_path):
    path = tmp_path / "sign.png"
    path.write_bytes(encode_png(COLOR))
    assert np.array_equal(read_image(path), COLOR)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"sign\.png: the image is empty"):
        read_image(path)
    with pytest.raises(DataError, match=r"cannot read image .*absent\.jpg: No such file or directory"):
        read_image(tmp_path / "absent.jpg")
    with pytest.raises(DataError, match="Is a directory"):
        read_image(tmp_path)


def test_masks_survive_png_exactly():
    mask = np.random.default_rng(1).integers(0, 256, (5, 7), dtype=np.uint8)
    assert np.array_equal(decode_mask(encode_png(mask)), mask)


@pytest.mark.parametrize(
    "data",
    [b"", b"x", encode_png(COLOR[:, :, 0])[:40], declared(60000, 60000)],
    ids=["empty", "text", "cut", "bomb"],
)
def test_bytes_that_are_no_mask_are_refused(data):
    with pytest.raises(DataError, match=rf"the mask cannot be decoded \({len(data)} bytes"):
        decode_mask(data)


@pytest.mark.parametrize(
    "array",
    [np.zeros((0, 4), np.uint8), np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)],
    ids=["empty", "float", "two channels", "one row"],
)
@pytest.mark.parametrize("encode", [encode_png, encode_jpeg])
def test_arrays_that_are_no_picture_are_not_encoded_as_something_else(encode, array):
    with pytest.raises(DataError, match=rf"an array of shape .* and type {array.dtype} cannot be encoded"):
        encode(array)


def test_jpeg_keeps_the_order_of_the_channels():
    red = np.zeros((16, 16, 3), np.uint8)
    red[:, :, 0] = 200
    assert np.abs(decode_image(encode_jpeg(red)).astype(int) - red).max() <= 4
    assert len(encode_jpeg(COLOR, quality=95)) > len(encode_jpeg(COLOR, quality=20))


def test_grey_equals_pillows_luma_for_every_pixel():
    every = np.random.default_rng(2).integers(0, 256, (256, 512, 3), dtype=np.uint8)
    assert np.array_equal(to_grey(every), np.asarray(Image.fromarray(every).convert("L")))
    corners = np.array([[[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)]], np.uint8)
    assert to_grey(corners)[0].tolist() == [0, 29, 150, 179, 76, 105, 226, 255]


@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic", "area"])
@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 3), (6, 9, 1), (1, 1)])
def test_resizing_keeps_type_channels_and_flat_colour(method, shape):
    for kind in (np.uint8, np.float32):
        flat = np.full(shape, 77, kind)
        resized = resize(flat, (4, 13), method)
        assert resized.shape == (4, 13, *shape[2:]) and resized.dtype == kind
        assert np.allclose(resized, 77, rtol=1e-6)


def test_area_averages_what_it_shrinks():
    assert resize(np.array([[0, 100, 30, 50]], np.uint8), (1, 2), "area").tolist() == [[50, 40]]


def test_resampling_equals_pillow():
    for method, filter_ in (("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)):
        expected = np.asarray(PICTURE.resize((4, 3), filter_))
        assert np.array_equal(resample(COLOR, (3, 4), method), expected)
    assert resample(COLOR[:, :, 0], (1, 1), "area").tolist() == [[round(float(COLOR[:, :, 0].mean()))]]


def test_a_jpeg_of_our_own_has_the_same_pixels_by_the_short_way():
    rng = np.random.default_rng(0)
    for quality, size in ((25, (9, 14)), (60, (31, 100)), (96, (64, 33))):
        for picture in (rng.integers(0, 256, (*size, 3), dtype=np.uint8), np.full((*size, 3), (250, 20, 90), np.uint8)):
            data = encode_jpeg(picture, quality)
            assert np.array_equal(decode_jpeg(data), decode_image(data))

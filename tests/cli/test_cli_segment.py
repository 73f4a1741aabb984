"""`segrec segment` takes picture files of every kind that cameras, scanners and editors write."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from segmenter.choices import TILE_SIDE
from segmenter.loading import save_segmenter
from segmenter.network import MutuallyGuidedNet
from segrec.cli.segment import command
from segrec.core.images import Array, decode_mask, encode_png, opencv, read_image

SIZE = (40, 120)
ROTATED_WHEN_SHOWN = 6


@pytest.fixture(scope="module")
def word() -> Array:
    """A dark word on light paper, (H, W) uint8 in 51..255, so that 12 bits hold it too."""
    picture = Image.new("L", SIZE[::-1], 255)
    ImageDraw.Draw(picture).text((8, 4), "Exit", fill=51, font=ImageFont.load_default(28))
    return np.array(picture)


def coloured(grey: Array) -> Array:
    return np.repeat(grey[:, :, None], 3, axis=2)


def stored(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def wide(suffix: str, values: np.ndarray) -> bytes:
    return opencv().imencode(suffix, values)[1].tobytes()


def cmyk(word: Array) -> bytes:
    ink = np.zeros((*word.shape, 4), np.uint8)
    ink[:, :, 3] = 255 - word
    return stored(Image.frombytes("CMYK", SIZE[::-1], ink.tobytes()), "JPEG", quality=100)


def palette(word: Array) -> bytes:
    """Ink in two colours; the paper is the transparent third one, which the palette says is black."""
    picture = Image.frombytes("P", SIZE[::-1], np.where(word == 255, 0, 1).astype(np.uint8).tobytes())
    picture.putpalette([0, 0, 0, 51, 51, 51])
    return stored(picture, "PNG", transparency=0)


def turned(word: Array) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = ROTATED_WHEN_SHOWN
    return stored(Image.fromarray(np.rot90(coloured(word)).copy()), "JPEG", quality=100, exif=exif)


def transparent(word: Array) -> bytes:
    return stored(Image.fromarray(np.dstack([np.full((*word.shape, 3), 51, np.uint8), 255 - word])), "PNG")


KINDS: dict[str, Callable[[Array], bytes]] = {
    "grey.png": lambda word: stored(Image.fromarray(word), "PNG"),
    "grey16.png": lambda word: wide(".png", word * np.uint16(257)),
    "grey16.tiff": lambda word: wide(".tiff", word * np.uint16(257)),
    "rgb16.png": lambda word: wide(".png", coloured(word) * np.uint16(257)),
    "rgb16.tiff": lambda word: wide(".tiff", coloured(word) * np.uint16(257)),
    "grey12.png": lambda word: wide(".png", word * np.uint16(16)),
    "rgb12.png": lambda word: wide(".png", coloured(word) * np.uint16(16)),
    "rgb12.tiff": lambda word: wide(".tiff", coloured(word) * np.uint16(16)),
    "rgba16.png": lambda word: wide(".png", np.dstack([coloured(word), np.full_like(word, 255)]) * np.uint16(257)),
    "float.tiff": lambda word: wide(".tiff", word.astype(np.float32) / 255),
    "turned.jpg": turned,
    "ink.jpg": cmyk,
}
SHAPES_ONLY = {"clear.png": transparent, "palette.png": palette}
"""These change the greys at the letters' edges, so only dark and light are compared."""


def test_files_of_every_kind_show_the_same_word(word: Array, tmp_path: Path):
    for name, write in {**KINDS, **SHAPES_ONLY}.items():
        (tmp_path / name).write_bytes(write(word))
        seen = read_image(tmp_path / name).astype(int)
        assert seen.shape == (*SIZE, 3), name
        if name in SHAPES_ONLY:
            seen, expected, most = seen[(word == 51) | (word == 255)], word[(word == 51) | (word == 255)], 42
        else:
            expected, most = word, 8 if name.endswith("jpg") else 1
        assert np.abs(seen - expected[..., None].astype(int)).max() <= most, name


def test_a_12_bit_camera_keeps_the_greys_that_8_bits_hold(tmp_path: Path):
    ramp = np.arange(4096, dtype=np.uint16).reshape(16, 256)
    for name, values in (("grey.png", ramp), ("rgb.png", np.repeat(ramp[:, :, None], 3, axis=2)), ("grey.tiff", ramp)):
        (tmp_path / name).write_bytes(wide(Path(name).suffix, values))
        expected = (ramp * (255 / 4095)).round()
        assert np.abs(read_image(tmp_path / name) - expected[:, :, None]).max() == 0, name


def test_the_channels_of_16_bits_keep_their_order(tmp_path: Path):
    colour = np.random.default_rng(0).integers(0, 65536, (9, 7, 3), dtype=np.uint16)
    for suffix in (".png", ".tiff"):
        path = tmp_path / f"colour{suffix}"
        path.write_bytes(wide(suffix, colour[:, :, ::-1]))
        assert np.abs(read_image(path) - colour / 257).max() <= 0.5


def test_segment_finds_the_word_in_files_of_every_kind(segrec, word: Array, tmp_path: Path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    kinds = {**KINDS, **SHAPES_ONLY}
    for name, write in kinds.items():
        (folder / name.replace(".", "_")).with_suffix(Path(name).suffix).write_bytes(write(word))
    files = sorted(folder.iterdir())
    code, out, err = segrec("segment", *files, "--output", tmp_path / "masks", "--device", "cpu")
    assert (code, err, len(out.splitlines())) == (0, "", 2 * len(kinds))
    strokes = word < 128
    for file in files:
        text = decode_mask((tmp_path / "masks" / f"{file.stem}.text.png").read_bytes())
        assert text.shape == SIZE, file.name
        assert text[strokes].mean() > 2 * text[~strokes].mean() + 25, file.name


def test_segment_takes_large_pictures_in_tiles_or_shrinks_them(segrec, tmp_path: Path):
    save_segmenter(tmp_path / "thin.safetensors", MutuallyGuidedNet(width=2))
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 150, 3), dtype=np.uint8)).save(
        tmp_path / "tall.png"
    )
    asked = ["segment", tmp_path / "tall.png", "--segmenter", tmp_path / "thin.safetensors", "--output"]
    for folder, options in (("tiled", ["--tile-side", "256"]), ("shrunk", ["--longest-side", "64"])):
        code, _, err = segrec(*asked, tmp_path / folder, *options)
        assert (code, err) == (0, "")
        assert decode_mask((tmp_path / folder / "tall.text.png").read_bytes()).shape == (400, 150)
    assert next(one for one in command.params if one.name == "tile_side").default == TILE_SIDE
    code, _, err = segrec(*asked, tmp_path / "none", "--tile-side", "100")
    assert code == 1 and "tile_side must be a multiple of 16 of at least 128, got 100" in err


@pytest.mark.parametrize("written", ["1", "0.5", "[1, 0.5]", '"1,0.5"', '"auto"'])
def test_a_recipe_gives_scales_as_a_text_a_number_or_a_list(segrec, word, tmp_path, written):
    (tmp_path / "word.png").write_bytes(encode_png(word))
    (tmp_path / "recipe.toml").write_text(f"scales = {written}")
    asked = ["segment", tmp_path / "word.png", "--output", tmp_path / "masks", "--segmenter", "mser-swt"]
    assert segrec(*asked, "--config", tmp_path / "recipe.toml").code == 0


@pytest.mark.parametrize("written", ["true", "[[1]]", "{a = 1}", "1979-05-27", "[1, true]", "1" + "0" * 400])
def test_scales_of_a_recipe_that_are_no_numbers_are_refused_in_one_line(segrec, word, tmp_path, written):
    (tmp_path / "recipe.toml").write_text(f"scales = {written}")
    asked = ["segment", tmp_path / "word.png", "--output", tmp_path / "masks"]
    code, _, err = segrec(*asked, "--config", tmp_path / "recipe.toml")
    assert code == 2 and err.splitlines()[-1].startswith("Error: Invalid value for '--scales': expected auto or")

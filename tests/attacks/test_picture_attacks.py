"""Pictures and masks that lie about their size or are damaged: one bad one is one bad word."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from attacked import BYTES, answers, assert_refused, tried
from PIL import Image

from segrec.core.errors import DamagedMaskError, DataError
from segrec.core.images import MAX_SIDE, decode_image, decode_mask, encode_png
from segrec.data.masks.record import MaskRecord, SegmenterRecord, SourceRecord
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import WordLmdb, WordWriter
from segrec.rendering.writing import render_words

GOOD = 6


def declared(width: int, height: int, content: bytes = bytes(99), kind: tuple[int, ...] = (8, 0, 0, 0, 0)) -> bytes:
    """Return a small PNG whose header declares a size that it may not have."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, *kind)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")


def blank(width: int, height: int, kind: str = "PNG", **options: bool) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height), 128).save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(width: int, height: int, mode: str) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, "TIFF", compression="tiff_lzw")
    return buffer.getvalue()


def progressive(width: int, height: int) -> bytes:
    """Return a progressive JPEG file of few bytes whose header declares another size."""
    data = bytearray(blank(16, 16, "JPEG", progressive=True))
    place = data.index(b"\xff\xc2")
    data[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def of_scans(count: int) -> bytes:
    """Return a JPEG file that shows its first scan again and again."""
    data = blank(16, 16, "JPEG", progressive=True)
    first, second = data.index(b"\xff\xda"), data.index(b"\xff", data.index(b"\xff\xda") + 2)
    return data[:second] + data[first:second] * count + data[second:]


def jpeg_2000(width: int, height: int) -> bytes:
    """Return a JPEG 2000 file of few bytes whose headers declare another size."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG2000")
    data = bytearray(buffer.getvalue())
    box, size = data.index(b"ihdr") + 4, data.index(b"\xff\x51") + 6
    data[box : box + 8] = struct.pack(">II", height, width)
    data[size : size + 8] = struct.pack(">II", width, height)
    return bytes(data)


WEBP = bytes.fromhex("524946461a000000574542505650384c0e0000002f7ffe0d06071011fd0f4444ff03")
"""16,000 x 6,200 pixels of one colour."""
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
"""What Pillow would hand to Ghostscript, a program."""

BAD_PICTURES = {
    "a large WebP": WEBP,
    "a large JPEG 2000": jpeg_2000(9000, 9000),
    "a large progressive JPEG": progressive(11_000, 9000),
    "a JPEG of 150 scans": of_scans(150),
    "PostScript": POSTSCRIPT,
    "a row of two million": blank(2_000_000, 1),
    "a column of two million": blank(1, 2_000_000),
    "a row just too long": blank(MAX_SIDE + 1, 2),
    "a declared terapixel": declared(2**20, 2**20),
    "a declared row of 2^31 - 1": declared(2**31 - 1, 1),
    "no rows": declared(5, 0),
    "a tall GIF": blank(3, 60_000, "GIF"),
    "a long JPEG": blank(65_000, 1, "JPEG"),
    "text": b"no picture",
    "nothing": b"",
    "large and of 16 bits": declared(8000, 8000, kind=(16, 2, 0, 0, 0)),
    "large and transparent": declared(9000, 9000, kind=(8, 6, 0, 0, 0)),
    "large and of 32 bits": tiff(6000, 6000, "F"),
}
BAD_MASKS = {
    "text": b"no mask at all",
    "a declared gigapixel": declared(30_000, 30_000),
    "a declared row of 2^31 - 1": declared(2**31 - 1, 1),
    "a row too long": encode_png(np.zeros((1, MAX_SIDE + 1), np.uint8)),
    "cut short": encode_png(np.zeros((20, 20), np.uint8))[:40],
    "a JPEG": blank(20, 20, "JPEG"),
    "colours of 16 bits, interlaced": declared(4000, 4000, kind=(16, 6, 0, 0, 1)),
    "a bomb of zeros": declared(2**16, 2**16, bytes(10_000_000)),
}


def test_sides_are_limited_before_a_picture_or_mask_is_unpacked():
    for name, data in BAD_PICTURES.items():
        with pytest.raises(DataError) as refusal:
            decode_image(data)
        assert "\n" not in str(refusal.value), name
    for name, data in BAD_MASKS.items():
        with pytest.raises(DamagedMaskError) as refusal:
            decode_mask(data)
        assert "\n" not in str(refusal.value), name
    assert decode_image(blank(MAX_SIDE, 1)).shape == (1, MAX_SIDE, 3)
    assert decode_mask(encode_png(np.full((2, MAX_SIDE), 9, np.uint8))).shape == (2, MAX_SIDE)
    tried["pictures and masks"] += len(BAD_PICTURES) + len(BAD_MASKS)


def test_damaged_masks_and_pictures_write_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]):
    good = encode_png(np.arange(600, dtype=np.uint8).reshape(20, 30) % 7)
    begin = good.index(b"IDAT") + 4
    rows = zlib.decompress(good[begin:])
    masks = [good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :] for place in range(8, len(good))]
    masks += [good[:place] for place in range(len(good))]
    masks += [declared(30, 20, content) for content in (b"\x07" + rows[1:], rows[:-1], rows + b"\0", b"")]
    for mask in masks:
        with pytest.raises(DamagedMaskError):
            decode_mask(mask)
    wide = declared(30, 20, bytes([9]) * 181 * 20, kind=(16, 2, 0, 0, 0))
    for picture in (wide, wide[:60]):
        with pytest.raises(DataError):
            decode_image(picture)
    assert decode_mask(good).shape == decode_mask(declared(30, 20, rows)).shape == (20, 30)
    assert capfd.readouterr() == ("", "")
    tried["damage that libraries would tell of"] += len(masks) + 2


def turned(width: int, height: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_the_largest_pictures_that_are_taken_keep_to_the_memory(tmp_path: Path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    buffer = io.BytesIO()
    Image.new("1", (11_300, 10_000)).save(buffer, "PNG")
    (photographs / "bits.png").write_bytes(buffer.getvalue())
    attempts = {"bits": ["render", "words", "--count", 6, "--backgrounds", photographs, "--output", tmp_path / "bits"]}
    (tmp_path / "turned").mkdir()
    (tmp_path / "turned" / "photograph.jpg").write_bytes(turned(11_300, 10_000))
    attempts["turned"] = [*attempts["bits"][:5], tmp_path / "turned", "--output", tmp_path / "words"]
    photograph, one = tmp_path / "turned" / "photograph.jpg", tmp_path / "one.json"
    one.write_text("[[200, 300, 500, 400]]")
    attempts["read"] = ["read", photograph, "--polygons", one, "--overlays", tmp_path / "read"]
    attempts["find"] = ["read", photograph]
    shrunk = [
        "--longest-side",
        400,
        "--scales",
        1,
        "--segmenter",
        "mgnet-slim",
    ]  # seconds matter here, not what is seen
    attempts["segment"] = ["segment", photograph, *shrunk, "--output", tmp_path / "masks"]
    for deed in (["--erase"], ["--recolor", "#ff0000"]):
        attempts[f"edit {deed[0]}"] = ["edit", photograph, *deed, "--polygons", one, "--output", tmp_path / "a.png"]
    found = answers("largest pictures", attempts, tmp_path)
    assert {name: answer.code for name, answer in found.items()} == dict.fromkeys(attempts, 0), found
    assert all(answer.size < BYTES for answer in found.values()), found
    assert min(found["read"].size, found["segment"].size) > 300_000_000, "the picture was in memory"


def test_what_would_take_too_much_of_a_large_picture_is_refused(tmp_path: Path):
    photograph, whole, many = tmp_path / "photograph.jpg", tmp_path / "whole.json", tmp_path / "many.json"
    photograph.write_bytes(turned(11_300, 10_000))
    whole.write_text("[[0, 0, 10000, 11300]]")
    many.write_text(json.dumps([[0, 0, 2000, 2000]] * 9))
    edit = ["edit", photograph, "--output", tmp_path / "a.png"]
    attempts = {
        "read": ["read", photograph, "--polygons", many],
        "erase": [*edit, "--erase", "--polygons", many],
        "copy": [*edit, "--copy-to", photograph, "--polygons", whole],
    }
    found = answers("too large pictures", attempts, tmp_path)
    assert_refused(found)
    assert "the 9 polygons have 36 megapixels together" in found["read"].err
    assert "which take more than 800 MB to unpack" in found["copy"].err


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Good words, then bad ones, then the longest that are good."""
    render_words(tmp_path / "good", GOOD, seed=1)
    good = WordLmdb(tmp_path / "good")
    with WordWriter(tmp_path / "words") as writer:
        for position in range(GOOD):
            writer.add(good.image_bytes(position) or b"", good.label(position) or "")
        for picture in (*BAD_PICTURES.values(), blank(MAX_SIDE, 1), blank(1, MAX_SIDE)):
            writer.add(picture, "bad")
    return tmp_path / "words"


def test_a_bad_picture_stops_no_command_and_counts_as_one_word(tmp_path: Path, words: Path):
    masks, run = tmp_path / "masks", tmp_path / "run"
    count = GOOD + len(BAD_PICTURES) + 2
    attempts = {
        "precompute-masks": ["precompute-masks", "--data", words, "--output", masks, "--quiet"],
        "eval": ["eval", "--data", f"w={words}", "--masks", f"w={masks}", "--mask", "predicted", "--format", "json"],
        "finetune": ["finetune", "crnn", "--data", words, "--masks", masks, "--steps", 2, "--batch-size", 40],
    }
    attempts["finetune"] += ["--output", run, "--quiet"]
    found = answers("commands with bad pictures", attempts, tmp_path)
    assert {name: answer.code for name, answer in found.items()} == dict.fromkeys(attempts, 0), found
    (row,) = json.loads(found["eval"].out)["results"]
    assert row["words"] == count
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert any(row.get("left_out") for row in logged)


def test_a_damaged_mask_stops_no_command_and_counts_as_one_word(tmp_path: Path):
    render_words(tmp_path / "words", GOOD + len(BAD_MASKS), seed=2)
    words = WordLmdb(tmp_path / "words")
    source = SourceRecord.of(words)
    record = MaskRecord("predicted", source, SegmenterRecord("net", "0" * 64), (32, None), (1, len(words)))
    with MaskStoreWriter.open(tmp_path / "masks", record) as writer:
        good = writer.encode(np.full((32, 100), 255, np.uint8))
        writer.write_encoded(1, [good] * GOOD + list(BAD_MASKS.values()))
        writer.finish()
    asked = ["--masks", f"w={tmp_path / 'masks'}", "--mask", "predicted", "--format", "json"]
    told = tmp_path / "told.jsonl"
    attempts = {
        "eval": ["eval", "--data", f"w={words.path}", *asked, "--predictions", told],
        "finetune": ["finetune", "crnn", "--data", words.path, "--masks", tmp_path / "masks", "--steps", 2],
    }
    attempts["finetune"] += ["--batch-size", 2 * len(words), "--output", tmp_path / "run", "--quiet"]
    found = answers("commands with damaged masks", attempts, tmp_path)
    assert {name: answer.code for name, answer in found.items()} == dict.fromkeys(attempts, 0), found
    (row,) = json.loads(found["eval"].out)["results"]
    assert row["words"] == len(words)
    problems = [json.loads(line).get("problem") for line in told.read_text().splitlines()]
    assert sum("is damaged" in (problem or "") for problem in problems) == len(BAD_MASKS)
    logged = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert any(row.get("left_out", {}).get("damaged mask") for row in logged), logged

"""The command that compares ways of storing masks: bytes, quality after the round trip, and time."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from benchmarks.word_sets import word_database
from segrec.core.images import Array, decode_mask, encode_jpeg, encode_png, opencv, resize
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.lmdb_io import commit
from segrec.core.tables import markdown_table
from segrec.data.masks.codec import DEFAULT_CODEC, MaskCodec, mask_codec
from segrec.weights import SEGMENTER

HEAD = (
    *("codec", "bytes per mask", "in the store", "GB for all of Synth90k", "mean absolute error", "F1 at 0.5"),
    *("microseconds to encode", "to decode"),
)
CHUNK = 512
WORDS_OF_SYNTH90K = 8_919_273
MOST_BYTES = 10e9
_SIZE = struct.Struct(">HH")


@dataclass
class CodecScore:
    """Counts of one codec over all masks.

    Attributes:
        folder: where its lmdb is written.
        payload: bytes of the encoded masks.
        error: sum over pixels of the difference to the unrounded mask, which is in [0, 1].
        hits: pixels of at least 0.5 before and after.
        false: pixels of at least 0.5 only after.
        missed: pixels of at least 0.5 only before.
        encoding: seconds of this thread.
        decoding: seconds of this thread.
    """

    codec: MaskCodec
    folder: Path
    payload: int = 0
    error: float = 0.0
    hits: int = 0
    false: int = 0
    missed: int = 0
    encoding: float = 0.0
    decoding: float = 0.0
    items: list[tuple[bytes, bytes]] = field(default_factory=list)

    def add(self, number: int, unrounded: np.ndarray, rounded: Array) -> None:
        """Count one mask, (H, W) float32 in [0, 1] and the same as uint8."""
        start = time.thread_time()
        data = self.codec.encode(rounded)
        between = time.thread_time()
        decoded = self.codec.decode(data)
        self.decoding += time.thread_time() - between
        self.encoding += between - start
        self.payload += len(data)
        self.error += float(np.abs(decoded / np.float32(255) - unrounded).sum())
        before, after = unrounded >= 0.5, decoded >= 128
        self.hits += int((before & after).sum())
        self.false += int((after & ~before).sum())
        self.missed += int((before & ~after).sum())
        self.items.append((b"mask-%09d" % number, data))

    def flush(self) -> None:
        """Write what was added since the last time as a store's transaction would."""
        commit(self.folder / DATA_FILE, [*self.items, (b"progress", b"0" * 9)], durable=False)
        self.items.clear()

    def row(self, count: int, pixels: int) -> tuple[str, ...]:
        """Return the cells under `HEAD`."""
        stored = (self.folder / DATA_FILE).stat().st_size / count
        f1 = 2 * self.hits / max(1, 2 * self.hits + self.false + self.missed)
        return (
            self.codec.name,
            f"{self.payload / count:.0f}",
            f"{stored:.0f}",
            f"{stored * WORDS_OF_SYNTH90K / 1e9:.2f}",
            f"{self.error / pixels:.5f}",
            f"{f1:.5f}",
            f"{1e6 * self.encoding / count:.0f}",
            f"{1e6 * self.decoding / count:.0f}",
        )


def candidates() -> list[MaskCodec]:
    """Return the codecs that are compared, today's first."""
    today = mask_codec(DEFAULT_CODEC)
    return [
        today,
        *(MaskCodec(f"16 levels, packed, zlib {level}", partial(_packed, level), _unpacked) for level in (1, 6, 9)),
        MaskCodec("2 levels, packed, zlib 9", _two_levels, _from_two_levels),
        *(MaskCodec(f"256 levels, PNG {level}", partial(_png, level), decode_mask) for level in (1, 6)),
        MaskCodec("16 levels, 8-bit PNG 9", lambda mask: _png(9, _sixteen(mask)), decode_mask),
        *(MaskCodec(f"JPEG {quality}", partial(_jpeg, quality), _decoded) for quality in (50, 75, 90)),
        *(MaskCodec(f"WebP {quality}", partial(_webp, quality), _decoded) for quality in (20, 50)),
        MaskCodec("WebP lossless", partial(_webp, 101), _decoded),
        MaskCodec("WebP lossless, 16 levels", lambda mask: _webp(101, _sixteen(mask)), _decoded),
        MaskCodec(f"{today.name} on at most 32 rows", partial(_shrunk, today, _to_32_rows), partial(_grown, today)),
        MaskCodec(f"{today.name} on half the rows", partial(_shrunk, today, _to_half), partial(_grown, today)),
    ]


def _sixteen(mask: Array) -> Array:
    return np.asarray(np.round(mask / 17) * 17, dtype=np.uint8)


def _packed(level: int, mask: Array) -> bytes:
    levels = np.asarray(np.round(mask / 17), dtype=np.uint8).ravel()
    levels = np.append(levels, np.zeros(levels.size % 2, np.uint8))
    return _SIZE.pack(*mask.shape) + zlib.compress((levels[::2] << 4 | levels[1::2]).tobytes(), level)


def _unpacked(data: bytes) -> Array:
    height, width = _SIZE.unpack(data[:4])
    pairs = np.frombuffer(zlib.decompress(data[4:]), np.uint8)
    levels = np.stack([pairs >> 4, pairs & 15], axis=1).ravel()[: height * width]
    return (levels * np.uint8(17)).reshape(height, width)


def _two_levels(mask: Array) -> bytes:
    return _SIZE.pack(*mask.shape) + zlib.compress(np.packbits(mask >= 128).tobytes(), 9)


def _from_two_levels(data: bytes) -> Array:
    height, width = _SIZE.unpack(data[:4])
    bits = np.unpackbits(np.frombuffer(zlib.decompress(data[4:]), np.uint8))[: height * width]
    return (bits * np.uint8(255)).reshape(height, width)


def _png(level: int, mask: Array) -> bytes:
    return encode_png(mask, level)


def _jpeg(quality: int, mask: Array) -> bytes:
    return encode_jpeg(mask, quality)


def _webp(quality: int, mask: Array) -> bytes:
    """Return WebP bytes; a quality above 100 is lossless."""
    cv2 = opencv()
    return bytes(cv2.imencode(".webp", mask, [cv2.IMWRITE_WEBP_QUALITY, quality])[1])


def _decoded(data: bytes) -> Array:
    """Return a JPEG or WebP file as (H, W) uint8, grey."""
    cv2 = opencv()
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def _to_32_rows(height: int) -> int:
    return min(height, 32)


def _to_half(height: int) -> int:
    return -(-height // 2)


def _shrunk(codec: MaskCodec, rows: Callable[[int], int], mask: Array) -> bytes:
    height, width = mask.shape
    fewer = rows(height)
    small = resize(mask, (fewer, max(1, round(width * fewer / height))), "area")
    return _SIZE.pack(height, width) + codec.encode(small)


def _grown(codec: MaskCodec, data: bytes) -> Array:
    return resize(codec.decode(data[4:]), _SIZE.unpack(data[:4]), "bilinear")


@click.command("mask-codecs")
@click.option("--data", type=click.Path(), help="A word lmdb; without it words are rendered.")
@click.option("--segmenter", "weights", default=SEGMENTER, show_default=True, help="Shipped name or weights file.")
@click.option("--count", default=50_000, show_default=True, type=click.IntRange(min=1), help="Words.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1), help="Torch's.")
def mask_codecs(data: str | None, weights: str, count: int, threads: int) -> None:
    """Compare codecs on the predicted masks of words, against the masks as the segmenter gives them, unrounded."""
    import torch

    from segrec.data.masks.predicted import mask_bytes
    from segrec.jobs.precompute import open_segmenter

    torch.set_num_threads(threads)
    segmenter, _ = open_segmenter(weights)
    number = pixels = 0
    with word_database(data, count) as words, TemporaryDirectory() as folder:
        scores = [CodecScore(codec, Path(folder) / str(place)) for place, codec in enumerate(candidates())]
        for score in scores:
            score.folder.mkdir()
        count = min(count, len(words))
        for begin in range(0, count, CHUNK):
            images = [words[position].image for position in range(begin, min(begin + CHUNK, count))]
            for mask in segmenter.predict_detailed_text([image for image in images if image is not None]):
                number, pixels, rounded = number + 1, pixels + mask.size, mask_bytes(mask)
                for score in scores:
                    score.add(number, mask, rounded)
            for score in scores:
                score.flush()
        rows = [score.row(number, pixels) for score in scores]
        stored = (scores[0].folder / DATA_FILE).stat().st_size / number
    click.echo(f"{number} masks of {data or 'rendered words'} by {weights}, {pixels / number:.0f} pixels in the mean\n")
    click.echo(markdown_table(HEAD, rows, numbers=len(HEAD) - 1), nl=False)
    total = stored * WORDS_OF_SYNTH90K
    verdict = "holds" if total <= MOST_BYTES else "DOES NOT HOLD"
    click.echo(f"\nat most {MOST_BYTES / 1e9:g} GB for {WORDS_OF_SYNTH90K:,} words: {verdict} ({total / 1e9:.2f} GB)")

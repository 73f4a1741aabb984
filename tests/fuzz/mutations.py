"""Small damage to bytes, drawn by a seed: what a fuzzer does without being told what it reached."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence

ODD_NUMBERS = (0, 1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)
TOKENS = (
    b"[" * 3000,
    b"9" * 5000,
    b"\0",
    b"\xff\xfe",
    b"\x1b[2J",
    b"NaN",
    b"-1",
    b'"',
    b"'",
    b"=",
    b"\n",
    b"\t",
    b"..",
)


def mutated(seeds: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Yield the seeds themselves, then one damaged copy after the other, for ever; the same for the same seed.

    Args:
        seeds: valid files, small ones.
        seed: of the choice and place of damage.
    """
    yield from seeds
    draw = random.Random(seed)
    while True:
        data = bytearray(draw.choice(seeds))
        for _ in range(1 + draw.randrange(5)):
            draw.choice(_WAYS)(data, draw, seeds)
        yield bytes(data)


def _flip(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> None:
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _overwrite(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> None:
    place = draw.randrange(len(data) + 1)
    data[place : place + draw.randrange(9)] = draw.randbytes(draw.randrange(9))


def _number(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> None:
    width, kind = draw.choice(((1, "B"), (2, "H"), (4, "I"), (8, "Q")))
    value = draw.choice(ODD_NUMBERS) & (2 ** (8 * width) - 1)
    place = draw.randrange(len(data) + 1)
    data[place : place + width] = struct.pack(draw.choice("<>") + kind, value)


def _digits(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> None:
    places = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    if places:
        place = draw.choice(places)
        data[place : place + 1] = str(draw.choice(ODD_NUMBERS)).encode()


def _token(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> None:
    place = draw.randrange(len(data) + 1)
    data[place:place] = draw.choice(TOKENS)


def _cut(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> None:
    place = draw.randrange(len(data) + 1)
    del data[place : place + draw.choice((1, 2, 8, 100, len(data)))]


def _repeat(data: bytearray, draw: random.Random, _: Sequence[bytes]) -> None:
    place = draw.randrange(len(data) + 1)
    data[place:place] = data[place : place + draw.randrange(40)] * draw.randrange(20)


def _splice(data: bytearray, draw: random.Random, seeds: Sequence[bytes]) -> None:
    other = draw.choice(seeds)
    place = draw.randrange(len(data) + 1)
    data[place:] = other[draw.randrange(len(other) + 1) :]


_WAYS = (_flip, _flip, _overwrite, _number, _number, _digits, _token, _cut, _repeat, _splice)

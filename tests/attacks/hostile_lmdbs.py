"""Word databases and mask stores whose records or pages are not what LMDB or segrec wrote."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import lmdb

PAGE = 4096


def put(folder: Path, **values: bytes) -> Path:
    """Write values of keys, in which `_` stands for a hyphen, into a database that is there."""
    with lmdb.open(str(folder), lock=False, map_size=1 << 28) as database, database.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key.replace("_", "-").encode(), value)
    return folder


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def _is_node(data: bytes | bytearray, page: int) -> bool:
    """Return whether a page is a branch or a leaf; the pages of large values hold anything."""
    begin = page * PAGE
    numbered = int.from_bytes(data[begin : begin + 8], "little") == page
    return numbered and int.from_bytes(data[begin + 10 : begin + 12], "little") in (1, 2)


def changed_trees(source: Path, folder: Path, count: int) -> dict[str, Path]:
    """Return copies of a database in whose branches and leaves a few numbers were changed, by name."""
    whole = (source / "data.mdb").read_bytes()
    pages = [number for number in range(2, len(whole) // PAGE) if _is_node(whole, number)]
    found = {}
    for turn in range(count):
        random_numbers = random.Random(turn)
        data = bytearray(whole)
        for _ in range(random_numbers.randrange(1, 6)):
            begin = random_numbers.choice(pages) * PAGE
            lower = int.from_bytes(data[begin + 12 : begin + 14], "little")
            if random_numbers.random() < 0.5 and lower > 18:  # the header of a node: its size, flags and key
                node = random_numbers.randrange(16, lower, 2)
                place = begin + int.from_bytes(data[begin + node : begin + node + 2], "little") % PAGE
            else:
                place = begin + random_numbers.randrange(8, 200)
            for offset in range(random_numbers.randrange(1, 9)):
                if place + offset < len(data):
                    data[place + offset] = random_numbers.randrange(256)
        target = folder / f"tree {turn}"
        target.mkdir()
        (target / "data.mdb").write_bytes(data)
        found[target.name] = target
    return found


def overflow_beyond_the_end(source: Path, target: Path) -> Path:
    """Let every large value claim more bytes than the file has."""
    data = bytearray((source / "data.mdb").read_bytes())
    for page in range(2, len(data) // PAGE):
        begin = page * PAGE
        if _is_node(data, page) and data[begin + 10] & 2:  # a leaf
            lower = int.from_bytes(data[begin + 12 : begin + 14], "little")
            for slot in range(16, lower, 2):
                node = begin + int.from_bytes(data[begin + slot : begin + slot + 2], "little")
                if data[node + 4] & 1:  # its value lies on pages of its own
                    data[node : node + 4] = (0x3FFFFFF0).to_bytes(4, "little")
    target.mkdir()
    (target / "data.mdb").write_bytes(data)
    return target

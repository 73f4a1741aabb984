"""Archives of PyTorch whose pickles are written instruction by instruction, to ask for more than they hold."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

Make = Callable[[Path], Path]


class Raw:
    """Pickle instructions by hand."""

    def __init__(self, code: bytes) -> None:
        self.code = code

    def archive(self, path: Path, *storages: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
        """Write them as today's format does."""
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr("a/data.pkl", self.code)
            for number, content in enumerate(storages):
                archive.writestr(f"a/data/{number}", content)
        return path


def storage(count: int, kind: str = "FloatStorage", key: str = "0") -> bytes:
    """Return instructions that leave a storage on the stack."""
    return b"(X\x07\0\0\0storagectorch\n" + kind.encode() + b"\n" + text(key) + text("cpu") + whole(count) + b"tQ"


def text(content: str) -> bytes:
    return b"X" + struct.pack("<I", len(content)) + content.encode()


def whole(number: int) -> bytes:
    return pickle.dumps(number, 2)[2:-1]


def tensor(of: bytes, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0) -> bytes:
    sides = b"(" + b"".join(map(whole, size)) + b"t"
    steps = b"(" + b"".join(map(whole, stride)) + b"t"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + of + whole(offset) + sides + steps + b"\x89)tR"


def dictionary(**entries: bytes) -> Raw:
    return Raw(b"\x80\x02}(" + b"".join(text(name) + value for name, value in entries.items()) + b"u.")


def deflated(path: Path) -> Path:
    entry = tensor(storage(250_000_000), (250_000_000,), (1,))
    return dictionary(w=entry).archive(path, bytes(20_000_000), compression=zipfile.ZIP_DEFLATED)


def short_storage(path: Path) -> Path:
    return dictionary(w=tensor(storage(250_000_000), (250_000_000,), (1,))).archive(path, bytes(100))


def beyond_its_storage(path: Path) -> Path:
    return dictionary(w=tensor(storage(25), (30,), (1,))).archive(path, bytes(100))


def negative_offset(path: Path) -> Path:
    return dictionary(w=tensor(storage(25), (5,), (1,), -3)).archive(path, bytes(100))


def huge_sides(path: Path) -> Path:
    return dictionary(w=tensor(storage(25), (2**62, 2**62), (1, 1))).archive(path, bytes(100))


def long_digits(path: Path) -> Path:
    return Raw(b"\x80\x02}I" + b"9" * 5000 + b"\nN.").archive(path)


def big_integer_key(path: Path) -> Path:
    return Raw(b"\x80\x02}(\x8b" + struct.pack("<i", 4000) + b"\x7f" * 4000 + b"Nu.").archive(path)


def nested_tuple_key(path: Path) -> Path:
    doubled = b")" + b"q\x00h\x00\x86" * 60  # each level holds the one below twice
    return Raw(b"\x80\x02}(" + doubled + b"Nu.").archive(path)


def deep_tuple_key(path: Path) -> Path:
    return Raw(b"\x80\x02}(" + b")" + b"\x85" * 500_000 + b"Nu.").archive(path)


def deep_lists(path: Path) -> Path:
    return Raw(b"\x80\x02" + b"(" * 400_000 + b"l" * 400_000 + b".").archive(path)


def many_sets(path: Path) -> Path:
    return Raw(b"\x80\x04(" + b"\x8f" * 12_000_000 + b"l.").archive(path)


def memo_far_out(path: Path) -> Path:
    return Raw(b"\x80\x02}r" + struct.pack("<I", 2**31 - 1) + b".").archive(path)


def long_bytes(path: Path) -> Path:
    return Raw(b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b".").archive(path)


def long_byte_array(path: Path) -> Path:
    return Raw(b"\x80\x05\x96" + struct.pack("<Q", 2**33) + b".").archive(path)


def copied_dictionaries(path: Path) -> Path:
    """One dictionary of many entries, copied again and again."""
    entries = b"(" + b"".join(whole(number) + b"N" for number in range(50_000)) + b"u"
    copies = b"ccollections\nOrderedDict\n(h\x01tR0" * 20_000
    return Raw(b"\x80\x02}" + entries + b"q\x010" + copies + b"N.").archive(path)


def many_classes(path: Path) -> Path:
    return Raw(b"\x80\x02(" + b"".join(b"cm\nc%d\n" % number for number in range(60_000)) + b"l.").archive(path)


def many_small_tensors(path: Path) -> Path:
    view = tensor(storage(1000), (1000,), (1,))
    return Raw(b"\x80\x02(" + view * 20_000 + b"l.").archive(path, bytes(4000))


def put(number: int, of: bytes) -> bytes:
    """Return instructions that make something, name it `number` and leave it on the stack."""
    return of + b"q" + bytes([number])


def get(number: int) -> bytes:
    return b"h" + bytes([number])


COLUMN = put(1, tensor(storage(60_000), (60_000, 1), (1, 1)))
ROW = put(2, tensor(storage(60_000, key="1"), (1, 60_000), (1, 1)))
"""What computes with both is given 14 GB."""


def column_and_row(path: Path, code: bytes, kind: str = "FloatStorage") -> Path:
    """Write instructions that have a column and a row of numbers as memo 1 and 2."""
    first = b"\x80\x04" + (COLUMN + b"0" + ROW + b"0").replace(b"FloatStorage", kind.encode())
    numbers = bytes(60_000 * (8 if kind == "LongStorage" else 4))
    return Raw(first + code + b".").archive(path, numbers, numbers, bytes(100))


SQUARE = tensor(storage(25, key="2"), (5, 5), (5, 1))


def added_to_a_tensor(path: Path) -> Path:
    return column_and_row(path, get(1) + b"(" + get(2) + b"\x90")


def put_into_a_tensor(path: Path) -> Path:
    return column_and_row(path, SQUARE + get(1) + get(2) + b"\x86K\x01s", "LongStorage")


def many_put_into_a_tensor(path: Path) -> Path:
    return column_and_row(path, SQUARE + b"(" + get(1) + get(2) + b"\x86K\x01u", "LongStorage")


def state_of_a_tensor(path: Path) -> Path:
    """Small tensors whose state says that their numbers are those of a large one, which is shown hundreds of times."""
    big = put(1, tensor(storage(1_000_000), (1000, 1000), (1000, 1)))
    small = tensor(storage(400, key="1"), (1,), (1,))
    shown = b"".join(text(f"w{n}") + small + b"(" + get(1) + b"N}\x89Ntb" for n in range(400))
    return Raw(b"\x80\x04}(" + text("w") + big + shown + b"u.").archive(path, bytes(4_000_000), bytes(1600))


def tensor_for_arguments(path: Path) -> Path:
    """A call whose arguments are numbers of a tensor, each of which would become a tensor."""
    arguments = tensor(storage(20_000_000, "ByteStorage"), (20_000_000,), (1,))
    return Raw(b"\x80\x02cargparse\nNamespace\n" + arguments + b"R.").archive(path, bytes(20_000_000))


def tensor_for_pairs(path: Path) -> Path:
    pairs = tensor(storage(1_800_000, "ByteStorage"), (900_000, 2), (2, 1))
    return Raw(b"\x80\x02ccollections\nOrderedDict\n" + pairs + b"\x85R.").archive(path, bytes(1_800_000))


def million_sides(path: Path) -> Path:
    sides = put(1, b"](" + b"K\x02" * 450_000 + b"e")
    copies = b"ctorch\nSize\n" + put(2, get(1) + b"\x85") + b"R0"
    return Raw(b"\x80\x02" + sides + b"0" + copies * 2 + b"N.").archive(path)


def storage_of_broadcast_places(path: Path) -> Path:
    """A part of a storage whose start and length are tensors, which are added."""
    part = b"(" + text("p") + get(1) + get(2) + b"t"
    whole_storage = storage(25, key="2").removesuffix(b"tQ")
    return column_and_row(path, whole_storage + part + b"tQ")


def colliding_keys(path: Path) -> Path:
    """Integers that all have the hash 0."""
    keys = b"".join(whole(number * (2**61 - 1)) + b"N" for number in range(1, 300_000))
    return Raw(b"\x80\x02}(" + keys + b"u.").archive(path)


def large_key_again_and_again(path: Path) -> Path:
    key = put(1, b"(" + b"K\x01" * 9_000 + b"t")
    return Raw(b"\x80\x02" + key + b"0}(" + (get(1) + b"N") * 400_000 + b"u.").archive(path)


PICKLES: dict[str, Make] = {
    make.__name__: make
    for make in (
        deflated,
        short_storage,
        beyond_its_storage,
        negative_offset,
        huge_sides,
        long_digits,
        big_integer_key,
        nested_tuple_key,
        deep_tuple_key,
        deep_lists,
        many_sets,
        memo_far_out,
        long_bytes,
        long_byte_array,
        copied_dictionaries,
        many_classes,
        many_small_tensors,
        added_to_a_tensor,
        put_into_a_tensor,
        many_put_into_a_tensor,
        state_of_a_tensor,
        tensor_for_arguments,
        tensor_for_pairs,
        million_sides,
        storage_of_broadcast_places,
        colliding_keys,
        large_key_again_and_again,
    )
}

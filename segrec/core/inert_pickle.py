"""Reading the tensors of a PyTorch file while nothing of the file can run: its objects become inert placeholders.

A pickle can call only what its reader hands it. This reader hands out three of its own functions, tuples, ordered dicts
and, for every other name, a class of its own that does nothing; no module is imported and no attribute is looked up.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch
from torch import Tensor

_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_OLD_MAGIC = 0x1950A86A20F9469CFC6C
"""First value of the files that torch wrote before 1.6."""


class Dropped:
    """Stands where the file has an object; takes whatever unpickling gives to objects, and keeps none of it."""

    def __new__(cls, *given: object, **named: object) -> Dropped:
        """Return an empty placeholder."""
        return super().__new__(cls)

    def __init__(self, *given: object, **named: object) -> None:
        pass

    def __call__(self, *given: object, **named: object) -> Dropped:
        return Dropped()

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        """Keep nothing."""

    def extend(self, values: object) -> None:
        """Keep nothing."""


class _Kind(NamedTuple):
    """What the file calls the class of a storage."""

    dtype: torch.dtype


class _Storage(NamedTuple):
    """Numbers that tensors of the file look into."""

    numbers: Tensor


def read_without_objects(path: Path) -> object:
    """Return the content of a file of `torch.save`: tensors, numbers, texts, plain containers; the rest is `Dropped`.

    Raises:
        ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile: the file is damaged or of
            another kind.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return _read_archive(archive)
    with path.open("rb") as file:
        return _read_stream(file, path.stat().st_size)


class _Unpickler(pickle.Unpickler):
    """Unpickles with a closed set of callables.

    Args:
        file: the pickle.
        storage: gives the numbers of a storage from its type, key and length.
    """

    def __init__(self, file: IO[bytes], storage: Callable[[torch.dtype, str, int], Tensor]) -> None:
        super().__init__(file, encoding="utf-8")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """Return a callable of this file for a few names, a fresh class that does nothing for all others.

        They are fresh because a pickle may set attributes of what it was given.
        """
        if module == "torch" and name in _DTYPES:
            return _Kind(_DTYPES[name])
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) in _CALLABLES:
            return partial(_CALLABLES[module, name])
        return type(name, (Dropped,), {"__module__": module})

    def persistent_load(self, pid: Any) -> object:
        """Return a storage; whole modules, as old files hold them, are dropped."""
        if not isinstance(pid, tuple) or pid[0] != "storage":
            return Dropped()
        _, kind, key, _, count, *view = pid
        if not isinstance(kind, _Kind):
            return Dropped()
        numbers = self._storage(kind.dtype, str(key), count)
        if view and view[0] is not None:
            _, start, length = view[0]
            numbers = numbers[start : start + length]
        return _Storage(numbers)


def _tensor(storage: _Storage, offset: int, size: Sequence[int], stride: Sequence[int], *_: object) -> object:
    """Return a tensor of its own numbers; what else the file says of it (gradients, hooks) is left out."""
    if not isinstance(storage, _Storage):
        return Dropped()
    return storage.numbers.as_strided(tuple(size), tuple(stride), offset)


def _parameter(data: object, *_: object) -> object:
    return data


_CALLABLES: dict[tuple[str, str], Callable[..., object]] = {
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): tuple,
}


def _read_archive(archive: zipfile.ZipFile) -> object:
    """Return the content of today's format: a zip of one pickle and a file for each storage."""
    names = [name for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(names) != 1:
        raise ValueError("no archive of torch.save")
    folder = names[0].removesuffix("data.pkl")
    known: dict[str, Tensor] = {}

    def storage(dtype: torch.dtype, key: str, count: int) -> Tensor:
        if key not in known:
            known[key] = _numbers(bytearray(_stored(archive, f"{folder}data/{key}")), dtype, count)
        return known[key]

    return _Unpickler(io.BytesIO(_stored(archive, names[0])), storage).load()


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return one file of the archive; torch compresses none, so that none is larger than the archive."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError("a compressed archive")
    return archive.read(name)


def _read_stream(file: IO[bytes], size: int) -> object:
    """Return the content of the format before torch 1.6: pickles in a row, then the storages' bytes."""
    contents: dict[str, tuple[bytearray, torch.dtype]] = {}

    def storage(dtype: torch.dtype, key: str, count: int) -> Tensor:
        if key not in contents:
            if not 0 <= count * dtype.itemsize <= size:
                raise ValueError("a storage that is longer than the file")
            contents[key] = (bytearray(count * dtype.itemsize), dtype)
        return _numbers(contents[key][0], dtype, count)

    if _Unpickler(file, storage).load() != _OLD_MAGIC:
        raise ValueError("no file of torch.save")
    for _ in ("protocol", "machine"):
        _Unpickler(file, storage).load()
    content = _Unpickler(file, storage).load()
    keys: Any = _Unpickler(file, storage).load()
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        buffer, dtype = contents[str(key)]
        if count * dtype.itemsize != len(buffer) or file.readinto(buffer) != len(buffer):  # type: ignore[attr-defined]
            raise ValueError("cut short")
    return content


def _numbers(content: bytearray, dtype: torch.dtype, count: int) -> Tensor:
    if count * dtype.itemsize > len(content) or count < 0:
        raise ValueError("a storage that is shorter than its tensors")
    return torch.frombuffer(content, dtype=dtype, count=count) if count else torch.empty(0, dtype=dtype)

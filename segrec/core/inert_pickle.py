"""Unpickling the tensors of a PyTorch file while nothing of the file can run, in a bounded number of steps.

A pickle can call only what its reader hands it. This reader hands out functions of its own and, for every other name, a
class of its own that does nothing; no module is imported and no attribute is looked up. It counts the pickle's steps,
and what its tensors ask for is summed before any of them is given memory.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch

from segrec.core.pickle_containers import INSTRUCTIONS, MOST_ODD_KEYS, Dropped, odd_keys
from segrec.core.stored_tensors import Ledger, Storage, sequence, whole

MOST_STEPS = 1_000_000
"""Instructions of a file's pickles; a state dict has about twenty a tensor."""
MOST_CLASSES = 10_000
MOST_TUPLE, DEEPEST_TUPLE = 10_000, 50
"""Parts, counted as often as they are shown, and levels of a tuple: comparing one visits every part."""

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
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
}
_TYPES = {str(kind).removeprefix("torch."): kind for kind in vars(torch).values() if isinstance(kind, torch.dtype)}
_OTHER_TENSORS = ("_rebuild_sparse_tensor", "_rebuild_qtensor", "_rebuild_nested_tensor")
_HARMLESS = {
    ("torch", "device"),
    ("builtins", "set"),
    ("__builtin__", "set"),
    ("builtins", "complex"),
    ("__builtin__", "complex"),
    ("builtins", "bytearray"),
    ("__builtin__", "bytearray"),
    ("collections", "Counter"),
}
"""What holds no weights and is left out without a word."""


class ForeignObjectError(pickle.UnpicklingError):
    """The file holds an object that is not a tensor, number, text or container; the message is its name."""


class Rules:
    """What all pickles of one file may do together."""

    def __init__(self, ledger: Ledger, drop_objects: bool) -> None:
        self.ledger, self.drop_objects = ledger, drop_objects
        self.steps = self.classes = self.odd_keys = 0

    def charge(self, steps: int) -> None:
        """Count steps.

        Raises:
            ValueError: there are too many.
        """
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise ValueError(f"its pickle has more than {MOST_STEPS:,} steps")

    def count_keys(self, keys: Iterable[object]) -> None:
        """Count keys of dictionaries and members of sets that may all be hashed alike.

        Raises:
            ValueError: there are too many.
        """
        self.odd_keys += odd_keys(keys)
        if self.odd_keys > MOST_ODD_KEYS:
            raise ValueError(f"it has more than {MOST_ODD_KEYS:,} keys that are neither texts nor small numbers")

    def handed(self, module: str, name: str) -> Any:
        """Return what the file gets for a name.

        Raises:
            ForeignObjectError: the name is of an object, and objects are not to be dropped.
        """
        if module == "torch" and name in _DTYPES:
            return _Kind(_DTYPES[name])
        if (module, name) == ("torch.storage", "UntypedStorage"):
            return _Kind(torch.uint8)
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        if (module, name) in _CALLABLES:
            return partial(_CALLABLES[module, name], self)
        if module == "torch._utils" and name in _OTHER_TENSORS:
            raise ValueError("a sparse, quantised or nested tensor, which must be made a plain one first")
        if not self.drop_objects and (module, name) not in _HARMLESS:
            raise ForeignObjectError(f"{module}.{name}")
        self.classes += 1
        if self.classes > MOST_CLASSES:
            raise ValueError(f"it holds more than {MOST_CLASSES:,} kinds of objects")
        return type(name, (Dropped,), {"__module__": module})  # fresh: a pickle may set attributes of what it was given


class _Kind:
    """What the file calls the class of a storage."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype


def _tensor(rules: Rules, storage: object, offset: object, size: object, stride: object, *_: object) -> object:
    """Return a tensor of its own numbers; what else the file says of it (gradients, hooks) is left out."""
    if not isinstance(storage, Storage):
        return Dropped()
    return rules.ledger.tensor(storage, offset, size, stride)


def _tensor_of_bytes(
    rules: Rules, storage: object, offset: object, size: object, stride: object, _: object, __: object, dtype: object
) -> object:
    """Return a tensor of a type for which torch has no storage class: its storage counts bytes."""
    if not isinstance(storage, Storage) or not isinstance(dtype, torch.dtype):
        return Dropped()
    whole = len(storage.numbers) // dtype.itemsize * dtype.itemsize
    numbers = storage.numbers[:whole].view(dtype)
    return rules.ledger.tensor(storage._replace(numbers=numbers), offset, size, stride)


def _first(rules: Rules, data: object = None, *_: object) -> object:
    return data


def _size(rules: Rules, sides: object = (), *_: object) -> object:
    return sequence(sides, "size")


def _ordered(rules: Rules, items: Any = (), *_: object) -> object:
    pairs = list(items.items()) if type(items) in (dict, OrderedDict) else items
    if type(pairs) not in (list, tuple) or any(type(pair) not in (list, tuple) for pair in pairs):
        raise ValueError("an ordered dictionary of something else than pairs")
    rules.charge(len(pairs))
    rules.count_keys(pair[0] for pair in pairs)
    return OrderedDict(pairs)


_CALLABLES: dict[tuple[str, str], Callable[..., object]] = {
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_of_bytes,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("torch._utils", "_rebuild_parameter_with_state"): _first,
    ("torch", "Size"): _size,
    ("collections", "OrderedDict"): _ordered,
}


_Plain: Any = pickle._Unpickler  # Python's own: C's takes memory for any number of a memo


class InertUnpickler(_Plain):  # type: ignore[misc]  # a class that typeshed does not know
    """Unpickles with a closed set of callables, counting steps.

    Args:
        file: the pickle.
        rules: of the whole file.
        storage: gives the numbers of a storage from its type, key and length.
    """

    def __init__(self, file: Any, rules: Rules, storage: Callable[[torch.dtype, str, object], Storage]) -> None:
        super().__init__(file, encoding="utf-8")
        self._rules, self._storage = rules, storage
        self._tuples: dict[int, tuple[int, int]] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return what the file gets for a name: nothing of any module."""
        return self._rules.handed(module, name)

    def get_extension(self, code: int) -> Any:
        """Refuse names that only a registry of this process knows."""
        raise ForeignObjectError(f"number {code} of a registry")

    def persistent_load(self, pid: Any) -> object:
        """Return a storage; whole modules, as old files hold them, are dropped."""
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[1], _Kind):
            return Dropped()
        _, kind, key, _, count, *view = pid
        if not isinstance(key, str | int):
            raise ValueError("a storage without a name")
        found = self._storage(kind.dtype, str(key)[:40], count)
        if view and view[0] is not None:
            _, start, length = view[0]
            start, length = whole(start, "the start of a storage"), whole(length, "the length of a storage")
            found = found._replace(numbers=found.numbers[start : start + length])
        return found

    def count_keys(self, keys: Iterable[object]) -> None:
        """Count keys that are about to be hashed, see `Rules.count_keys`."""
        self._rules.count_keys(keys)

    def weigh(self) -> None:
        """Look at the tuple that was just made.

        Raises:
            ValueError: it is so large or deep that comparing it would never end.
        """
        made = self.stack[-1]
        parts, depth = len(made) + 1, 1
        for part in made:
            if type(part) is tuple:
                inner, below = self._tuples.get(id(part), (1, 1))
                parts, depth = parts + inner, max(depth, below + 1)
        if parts > MOST_TUPLE or depth > DEEPEST_TUPLE:
            raise ValueError("a tuple of too many parts")
        self._tuples[id(made)] = (parts, depth)


def _counted(code: int, load: Callable[[Any], None]) -> Callable[[InertUnpickler], None]:
    """Return an instruction that counts itself."""
    makes_tuple = bytes([code]) in (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)

    def step(unpickler: InertUnpickler) -> None:
        rules = unpickler._rules
        rules.steps += 1
        if rules.steps > MOST_STEPS:
            rules.charge(0)
        load(unpickler)
        if makes_tuple:
            unpickler.weigh()

    return step


InertUnpickler.dispatch = {code: _counted(code, load) for code, load in (_Plain.dispatch | INSTRUCTIONS).items()}

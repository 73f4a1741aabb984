"""The instructions of a pickle that call or fill what it made, for plain containers and placeholders alone.

Filling a tensor would compute: `tensor.add(item)` and `tensor[index] = value` take memory that nobody has counted.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

MOST_ODD_KEYS = 5_000
"""Keys of dictionaries and members of sets that are neither texts nor small integers: many may be hashed alike."""

Instruction = Callable[[Any], None]
_LOADS: dict[int, Instruction] = pickle._Unpickler.dispatch


class Dropped:
    """Stands where the file has an object; takes whatever unpickling gives to objects, and keeps none of it."""

    def __new__(cls, *given: object, **named: object) -> Dropped:
        """Return an empty placeholder."""
        return super().__new__(cls)

    def __init__(self, *given: object, **named: object) -> None:
        pass

    def __call__(self, *given: object, **named: object) -> Dropped:
        return Dropped()


def odd_keys(keys: Iterable[object]) -> int:
    """Return how many keys are neither texts nor integers whose hashes all differ."""
    return sum(type(key) is not str and not (type(key) is int and abs(key) < 2**60) for key in keys)


def _drop_state(unpickler: Any) -> None:
    """Leave an object as it was made, whatever state the file has for it."""
    unpickler.stack.pop()
    _ = unpickler.stack[-1]


def _append(unpickler: Any) -> None:
    value = unpickler.stack.pop()
    if _takes(unpickler.stack[-1], list):
        unpickler.stack[-1].append(value)


def _extend(unpickler: Any) -> None:
    values = unpickler.pop_mark()
    if _takes(unpickler.stack[-1], list):
        unpickler.stack[-1].extend(values)


def _put_one(unpickler: Any) -> None:
    value, key = unpickler.stack.pop(), unpickler.stack.pop()
    _put(unpickler, [key, value])


def _put_many(unpickler: Any) -> None:
    _put(unpickler, unpickler.pop_mark())


def _make_dictionary(unpickler: Any) -> None:
    items = unpickler.pop_mark()
    unpickler.stack.append({})
    _put(unpickler, items)


def _put(unpickler: Any, items: Sequence[Any]) -> None:
    """Put keys and values, in turns, into the dictionary on the stack."""
    unpickler.count_keys(items[::2])
    if _takes(unpickler.stack[-1], dict, OrderedDict):
        unpickler.stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _add(unpickler: Any) -> None:
    members = unpickler.pop_mark()
    unpickler.count_keys(members)
    if _takes(unpickler.stack[-1], set):
        unpickler.stack[-1].update(members)


def _freeze(unpickler: Any) -> None:
    members = unpickler.pop_mark()
    unpickler.count_keys(members)
    unpickler.stack.append(frozenset(members))


def _takes(filled: object, *kinds: type) -> bool:
    """Return whether a container is to be filled, False for a placeholder, which stays empty.

    Raises:
        ValueError: it is something else.
    """
    if type(filled) in kinds:
        return True
    if not isinstance(filled, Dropped):
        raise ValueError(f"it fills a {type(filled).__name__} as if that were a {kinds[0].__name__}")
    return False


def _called(code: bytes, *kinds: type) -> Instruction:
    """Return an instruction that calls with what is on top of the stack, which must be of these kinds, topmost last.

    A tensor in the place of the arguments would be taken apart number by number.
    """
    load = _LOADS[code[0]]

    def call(unpickler: Any) -> None:
        given = unpickler.stack[-len(kinds) :]
        if [type(part) for part in given] != list(kinds):
            raise ValueError("it calls with something else than a tuple of arguments")
        load(unpickler)

    return call


def _refuse_byte_array(unpickler: Any) -> None:
    """Refuse a byte array, which is given memory before its bytes are there."""
    raise ValueError("a byte array, which no weights need")


INSTRUCTIONS: dict[int, Instruction] = {
    pickle.BUILD[0]: _drop_state,
    pickle.APPEND[0]: _append,
    pickle.APPENDS[0]: _extend,
    pickle.SETITEM[0]: _put_one,
    pickle.SETITEMS[0]: _put_many,
    pickle.DICT[0]: _make_dictionary,
    pickle.ADDITEMS[0]: _add,
    pickle.FROZENSET[0]: _freeze,
    pickle.REDUCE[0]: _called(pickle.REDUCE, tuple),
    pickle.NEWOBJ[0]: _called(pickle.NEWOBJ, tuple),
    pickle.NEWOBJ_EX[0]: _called(pickle.NEWOBJ_EX, tuple, dict),
    pickle.BYTEARRAY8[0]: _refuse_byte_array,
}
"""What each of these does to an `InertUnpickler`, in the place of what Python's own does."""

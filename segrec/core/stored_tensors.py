"""Storages and tensors as a PyTorch file describes them, summed before any of them is given memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

MOST_SHOWN = 4
"""How often all numbers of a storage may be shown: tied weights show them twice."""


class Storage(NamedTuple):
    """Numbers that tensors of the file look into.

    Attributes:
        numbers: 1-D.
        key: name of the whole storage.
        size: of the whole storage, in bytes.
    """

    numbers: Tensor
    key: str
    size: int


@dataclass
class Ledger:
    """What the tensors of one file ask for in total.

    Args:
        most: bytes that all storages together, and all tensors together, may have.
    """

    most: int
    stored: int = 0
    shown: int = 0
    _of_storage: dict[str, int] = field(default_factory=dict)

    def add_storage(self, dtype: torch.dtype, count: object) -> int:
        """Count a storage of `count` numbers; return its size in bytes.

        Raises:
            ValueError: the count is none, or all storages are too large together.
        """
        size = whole(count, "the length of a storage") * dtype.itemsize
        self.stored += size
        if self.stored > self.most:
            raise ValueError(f"its storages have more than {self.most:,} bytes")
        return size

    def tensor(self, storage: Storage, offset: object, size: object, stride: object) -> Tensor:
        """Return a tensor that looks into a storage.

        Raises:
            ValueError: it shows a number twice, lies outside its storage, or the tensors of the storage lie over each
                other many times.
        """
        shape, steps = sequence(size, "size"), sequence(stride, "stride")
        start = whole(offset, "the offset of a tensor")
        if len(shape) != len(steps):
            raise ValueError("a tensor with more strides than sides")
        if 0 not in shape:
            self._add(storage, start, shape, steps)
        return storage.numbers.as_strided(shape, steps, start)

    def _add(self, storage: Storage, start: int, shape: tuple[int, ...], steps: tuple[int, ...]) -> None:
        count, reach = 1, 0
        for step, side in sorted(zip(steps, shape, strict=True)):
            if side > 1 and step <= reach:
                raise ValueError(f"a tensor of shape {shape} that shows the same numbers again and again")
            count, reach = count * side, reach + step * (side - 1)
        if start + reach >= len(storage.numbers):
            raise ValueError("a storage that is shorter than its tensors")
        size = count * storage.numbers.itemsize
        self.shown += size
        self._of_storage[storage.key] = self._of_storage.get(storage.key, 0) + size
        if self._of_storage[storage.key] > MOST_SHOWN * storage.size:
            raise ValueError("tensors that lie over each other")
        if self.shown > self.most:
            raise ValueError(f"its tensors have more than {self.most:,} bytes")


def whole(number: object, what: str) -> int:
    """Return a number that counts bytes or places.

    Raises:
        ValueError: it is no integer from 0 on, or so large that sums of it would no longer fit 64 bits.
    """
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**60:
        raise ValueError(f"{what} is not a number")
    return number


def sequence(numbers: object, what: str) -> tuple[int, ...]:
    """Return the sides or strides of a tensor.

    Raises:
        ValueError: it is not a list of numbers as `whole` takes them, or has more than any tensor.
    """
    if not isinstance(numbers, Sequence) or isinstance(numbers, str | bytes) or len(numbers) > 16:
        raise ValueError(f"the {what} of a tensor is not a list of numbers")
    return tuple(whole(number, f"the {what} of a tensor") for number in numbers)

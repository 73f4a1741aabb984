"""Bounds of what a file may make of a network: its sizes, its parameters and the types of its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from segrec.core.errors import CheckpointError, ConfigError
from segrec.core.tensor_header import MOST_PARAMETERS

WIDEST_LAYER, MOST_BLOCKS, MOST_POINTS, MOST_STEPS = 1024, 64, 128, 512
"""Units or channels of a layer; blocks of a stage; control points of a spline; steps of a decoder."""
_PLAIN_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
LARGEST_WEIGHT = 1e10
"""A network whose weights exceed this has diverged."""


def check_whole(name: str, value: Any, least: int, most: int) -> None:
    """Check that a setting, or each of a list of them, is a whole number in a range.

    Raises:
        ConfigError: it is none; the message names it.
    """
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    for number in values:
        if type(number) is not int or not least <= number <= most:
            shown = number if type(number) is float else repr(number)[:40]
            raise ConfigError(f"{name} must be a whole number from {least} to {most}, got {shown}")


def check_flags(**flags: Any) -> None:
    """Check that settings are true or false.

    Raises:
        ConfigError: one is neither; the message names it.
    """
    for name, value in flags.items():
        if type(value) is not bool:
            raise ConfigError(f"{name} must be true or false, got {repr(value)[:40]}")


def check_parameters(network: nn.Module, source: str) -> None:
    """Check a network that was built on the meta device, before it is given memory.

    Raises:
        CheckpointError: it has more than `MOST_PARAMETERS` numbers.
    """
    count = sum(tensor.numel() for tensor in network.state_dict().values())
    if count > MOST_PARAMETERS:
        raise CheckpointError(f"{source} makes a network of {count:,} parameters, more than {MOST_PARAMETERS:,}")


def check_weights(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str) -> None:
    """Check the types and values of weights, before they are converted to those of a network.

    Args:
        state: names and tensors.
        expected: of the network, at least the names of `state`.
        source: what to call the file in errors.

    Raises:
        CheckpointError: numbers of a type that does not become the network's without loss of its meaning, NaN,
            infinity, or a value that no trained network has.
    """
    for name, tensor in state.items():
        if expected[name].is_floating_point():
            if tensor.dtype not in _PLAIN_FLOATS:
                raise CheckpointError(
                    f"{source} holds {name} as {_word(tensor)}, which are not plain weights; "
                    "save it as float32 or float16 (quantised and float8 networks: before they were quantised)"
                )
            low, high = tensor.detach().aminmax() if tensor.numel() else (0.0, 0.0)
            largest = max(abs(float(low)), abs(float(high)))
            if not math.isfinite(largest):
                raise CheckpointError(
                    f"{source} holds NaN or infinity in {name}: that training diverged, use an earlier file"
                )
            if largest > LARGEST_WEIGHT:
                raise CheckpointError(
                    f"{source} holds {largest:.3g} in {name}: that training diverged, use an earlier file"
                )
        elif tensor.is_floating_point() or tensor.is_complex() or tensor.dtype is torch.bool:
            raise CheckpointError(f"{source} holds {name} as {_word(tensor)}, expected whole numbers; copy it again")


def _word(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")

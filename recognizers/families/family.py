"""What a family of checkpoints is, and the strict filling of a network from one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from recognizers.charset import Charset
from recognizers.rectification import ThinPlateSpline
from segrec.core.errors import CheckpointError

State = Mapping[str, Tensor]


class LoadReport(NamedTuple):
    """What became of each tensor of a checkpoint.

    Attributes:
        copied: names taken over as they were.
        missing: names of the network that the file lacks.
        unexpected: names of the file that the network has no use for.
        reinitialised: names of the network that got a fresh value instead of one of the file.
    """

    copied: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    reinitialised: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """One project's checkpoint format.

    Attributes:
        name: the project's name, as users know it.
        signs: keys that together only this family has.
        build: from (state dict, charset or None, what to call the file in errors) to the filled network and its
            report; None for a format that is known but not read by this version.
    """

    name: str
    signs: tuple[str, ...]
    build: Callable[[State, Charset | None, str], tuple[nn.Module, LoadReport]] | None = None

    def recognise(self, state: State) -> bool:
        """Whether every sign of the family is among the keys."""
        return all(sign in state for sign in self.signs)


def fill(network: nn.Module, state: State, source: str) -> tuple[nn.Module, LoadReport]:
    """`network`, in eval mode on the CPU, with the tensors of `state`, and the report.

    Only BatchNorm's `num_batches_tracked` may be missing (files older than torch 0.4.1); it starts at 0.

    Args:
        network: built on the meta device, so that nothing is drawn only to be overwritten.
        state: names and tensors, of any float type.
        source: what to call the file in errors.

    Raises:
        CheckpointError: names or shapes differ, or a tensor is not finite.
    """
    expected = network.state_dict()
    missing = [name for name in expected if name not in state]
    unexpected = [name for name in state if name not in expected]
    counters = [name for name in missing if name.endswith(".num_batches_tracked")]
    kind = type(network).__name__
    if len(counters) < len(missing) or unexpected:
        lacking = [name for name in missing if name not in counters]
        raise CheckpointError(
            f"{source} does not fit {kind}: missing {_few(lacking)}, unexpected {_few(unexpected)}; "
            "give the whole state dict of that network"
        )
    for name, tensor in state.items():
        if tensor.shape != expected[name].shape:
            raise CheckpointError(
                f"{source} does not fit {kind}: {name} has shape {tuple(tensor.shape)}, "
                f"expected {tuple(expected[name].shape)}; it was saved from another network"
            )
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"{source} holds NaN or infinity in {name}: that training diverged, use an earlier file"
            )
    network.to_empty(device="cpu")
    for module in network.modules():
        if isinstance(module, ThinPlateSpline):
            module.reset_derived()
    network.load_state_dict(state, strict=False)
    for name, buffer in network.named_buffers():
        if name in counters:
            buffer.zero_()
    report = LoadReport(tuple(state), missing=tuple(counters), reinitialised=tuple(counters))
    return network.eval(), report


def charset_for(classes: int, given: Charset | None, known: Sequence[Charset], source: str) -> Charset:
    """The charset of a head of `classes` classes: the one given, else the known one of that size.

    Raises:
        CheckpointError: the given one has another size, or none is known.
    """
    if given is not None and given.classes != classes:
        raise CheckpointError(
            f"{source} has {classes} classes, but the given charset of {len(given.characters)} characters makes "
            f"{given.classes}; give its {classes - 1} characters in order"
        )
    for charset in (given, *known):
        if charset is not None and charset.classes == classes:
            return charset
    raise CheckpointError(
        f"{source} has {classes} classes, and only it knows which: pass charset= with its {classes - 1} characters "
        "in order, without the blank"
    )


def _few(names: Sequence[str]) -> str:
    if not names:
        return "nothing"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

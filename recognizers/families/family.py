"""What a family of checkpoints is, and the strict filling of a network from one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from torch import Tensor, nn

from recognizers.charset import ALNUM36, PRINTABLE94, Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.dtrb.spline import TwoStepSpline
from recognizers.families.report import Conversion, LoadReport, few
from recognizers.preprocess import InputSpec
from recognizers.rectification import ThinPlateSpline
from segrec.core.errors import CheckpointError
from segrec.core.network_size import check_parameters, check_weights

State = Mapping[str, Tensor]
Network = TypeVar("Network", bound=nn.Module)
USUAL_CHARSETS = (ALNUM36, Charset(PRINTABLE94.characters[:62]), PRINTABLE94)
"""Digits and small letters; capitals too; punctuation too: the orders that most projects share."""


@dataclass(frozen=True)
class Family:
    """One project's checkpoint format.

    Attributes:
        name: the project's name, as users know it.
        signs: keys that together only this family has.
        build: from (state dict, charset or None, what to call the file in errors) to the filled network and its
            report.
        keys: gives all keys of its released file, to tell people what theirs lacks.
        shaped: whether the shapes are the family's, where another has the same keys.
    """

    name: str
    signs: tuple[str, ...]
    build: Callable[[State, Charset | None, str], tuple[RecognizerNetwork, LoadReport]]
    keys: Callable[[], Collection[str]]
    shaped: Callable[[State], bool] = lambda state: True

    def recognise(self, state: State) -> bool:
        """Return whether every sign of the family is among the keys, and the shapes are its own."""
        return all(sign in state for sign in self.signs) and self.shaped(state)


def fill(
    network: Network,
    state: State,
    source: str,
    *,
    converted: Sequence[Conversion] = (),
    derived: Sequence[str] = (),
) -> tuple[Network, LoadReport]:
    """Return `network`, in eval mode on the CPU, with the tensors of `state`, and the report.

    Only BatchNorm's `num_batches_tracked` may be missing (files older than torch 0.4.1); it starts at 0.

    Args:
        network: built on the meta device, so that nothing is drawn only to be overwritten.
        state: names and tensors, of any float type.
        source: what to call the file in errors.
        converted: which tensors of `state` are not the file's own, and why, for the report.
        derived: names that were left out of `state` because the network computes them, for the report.

    Raises:
        CheckpointError: names or shapes differ, the network is too large, or a tensor is not finite or of a type
            that weights do not have.
    """
    check_parameters(network, source)
    counters = _check_fit(network, state, source)
    network.to_empty(device="cpu")
    for module in network.modules():
        if isinstance(module, ThinPlateSpline | TwoStepSpline):
            module.reset_derived()
    network.load_state_dict(state, strict=False)
    for name, buffer in network.named_buffers():
        if name in counters:
            buffer.zero_()
    changed = {name for conversion in converted for name in conversion.names}
    report = LoadReport(
        copied=tuple(name for name in state if name not in changed),
        missing=counters,
        reinitialised=counters,
        converted=tuple(converted),
        derived=tuple(derived),
    )
    return network.eval(), report


def _check_fit(network: nn.Module, state: State, source: str) -> tuple[str, ...]:
    """Return the names of the counters that `state` lacks; anything else that does not fit is an error."""
    expected = network.state_dict()
    missing = [name for name in expected if name not in state]
    unexpected = [name for name in state if name not in expected]
    counters = [name for name in missing if name.endswith(".num_batches_tracked")]
    kind = type(network).__name__
    if len(counters) < len(missing) or unexpected:
        lacking = [name for name in missing if name not in counters]
        raise CheckpointError(
            f"{source} does not fit {kind}: missing {few(lacking)}, unexpected {few(unexpected)}; "
            "give the whole state dict of that network"
        )
    for name, tensor in state.items():
        if tensor.shape != expected[name].shape:
            raise CheckpointError(
                f"{source} does not fit {kind}: {name} has shape {tuple(tensor.shape)}, "
                f"expected {tuple(expected[name].shape)}; it was saved from another network"
            )
    check_weights(state, expected, source)
    return tuple(counters)


def shape_of(state: State, name: str, dimensions: int, *, source: str, family: str) -> tuple[int, ...]:
    """Return the shape of the tensor `name`.

    Raises:
        CheckpointError: it is missing, has no entries, or not that many dimensions.
    """
    shape = tuple(state[name].shape) if name in state else None
    if shape is None or len(shape) != dimensions or 0 in shape:
        found = "is missing" if shape is None else f"has shape {shape}"
        raise CheckpointError(f"{source} looks like {family}, but {name} {found}; give the whole state dict")
    return shape


def with_channels(spec: InputSpec, channels: int, *, source: str) -> InputSpec:
    """Return `spec` for a first convolution of `channels` inputs.

    Raises:
        CheckpointError: no word image has that many channels.
    """
    if channels not in (1, 3, 4):
        raise CheckpointError(
            f"{source} takes {channels} input channels; a recognizer takes 1 (grey), 3 (RGB) or 4 (RGB + mask)"
        )
    return replace(spec, color="grey" if channels == 1 else "rgb", mask=channels == 4)


def charset_for(classes: int, given: Charset | None, known: Sequence[Charset], source: str) -> Charset:
    """Return the charset of a head of `classes` classes: the one given, else the known one of that size.

    Args:
        classes: of the head.
        given: by the user, of any kind.
        known: what the family's files usually read, all of one kind, which the result has too.
        source: what to call the file in errors.

    Raises:
        CheckpointError: the given one has another size, or none is known.
    """
    count = classes - (known[0].classes - len(known[0].characters))
    if given is not None:
        given = given.with_kind(known[0].kind)
        if given.classes != classes:
            raise CheckpointError(
                f"{source} has {classes} classes, but the given charset of {len(given.characters)} characters makes "
                f"{given.classes}; give its {count} characters in order"
            )
    for charset in (given, *known):
        if charset is not None and charset.classes == classes:
            return charset
    raise CheckpointError(
        f"{source} has {classes} classes, and only it knows which: pass charset= with its {count} characters "
        "in order, without " + ("start or end" if known[0].is_attention else "the blank")
    )

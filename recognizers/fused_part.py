"""What all ways have in common by which a mask is fused into a network beside its plain weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal

from torch import nn

from recognizers.choices import Fusion


class FusedPart(ABC):
    """The part of a network that takes RGB + mask; `fusion` holds what the plain network does not have.

    Attributes:
        kind: the way's name.
        fusion: its layers. The last is a convolution, which starts at zero.
    """

    kind: ClassVar[Fusion]
    fusion: nn.Sequential

    @property
    @abstractmethod
    def plain_channels(self) -> int:
        """How many channels the plain network takes, 1 or 3."""

    @property
    def color(self) -> Literal["grey", "rgb"]:
        """What the plain network takes."""
        return "grey" if self.plain_channels == 1 else "rgb"

    @property
    def untaught(self) -> nn.Module:
        """Those layers of `fusion` that begin with nothing learned."""
        return self.fusion

    @property
    def last(self) -> nn.Conv2d:
        """The last layer of `fusion`; while it is zero, no mask changes anything."""
        last = self.fusion[-1]
        assert isinstance(last, nn.Conv2d)
        return last


def fused_part(model: nn.Module, name: str) -> tuple[str, FusedPart] | None:
    """Return the name and the part of a model that has the `fusion` by which a mask joins at its first convolution.

    Args:
        model: a widened network.
        name: dotted name of that convolution.

    Returns:
        The convolution itself or a part that it begins; None where the mask is one more input channel.
    """
    for place in (name, *parts_around(name)):
        part = model.get_submodule(place)
        if isinstance(part, FusedPart):
            return place, part
    return None


def parts_around(name: str) -> Iterator[str]:
    """Yield the dotted names of the parts that hold a module, the nearest first, the whole model, "", last."""
    while name:
        name = name.rpartition(".")[0]
        yield name


def fusion_of(model: nn.Module, name: str) -> Fusion:
    """Return how a mask joins at the first convolution `name` of a model; `input` where that is a plain one."""
    fused = fused_part(model, name)
    return "input" if fused is None else fused[1].kind


def fusion_config(model: nn.Module, name: str) -> dict[str, str]:
    """Return what the configuration of a network with this first convolution has beside the plain network's."""
    fused = fused_part(model, name)
    return {} if fused is None else {"fusion": fused[1].kind, "fusion_color": fused[1].color}

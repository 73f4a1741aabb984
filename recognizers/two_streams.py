"""A second set of first layers, which reads a text mask as a picture and changes what the first set gives."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from recognizers.colour_channels import colour_channels
from recognizers.fused_part import FusedPart

POOLINGS = 3
"""After this many poolings a mask joins: an eighth of the height, where a map says which part of a letter is there."""


class Streams(FusedPart, nn.Module):
    """A network's layers with their plain weights, and `fusion`, which reads the mask.

    A recognizer reads white letters on black as it reads photographs, and a text mask is such a picture. So `fusion`
    begins as a copy of the layers down to an eighth of the height and is fed the mask; a last 1x1 convolution, which
    starts at zero, makes of what they give a scale and a shift for the plain layers' maps there. Not in the paper.

    It stands under the name of the part that it replaces, and its layers keep theirs, so that the network needs no
    change, and its file holds the plain tensors under their plain names beside `fusion`'s. Before any training it gives
    what the plain layers give of the colours (grey: of their luma).

    Args:
        plain: has the layers among its children; they are taken over, not copied, and so are its other children.
        names: of the layers that maps go through, one after another.
        joint: after how many of them the mask joins.
        channels: that the first takes, 1 or 3.
        width: channels of the maps at the joint.
    """

    kind = "stream"

    def __init__(self, plain: nn.Module, names: Sequence[str], joint: int, *, channels: int, width: int) -> None:
        nn.Module.__init__(self)
        self._names, self._joint, self._channels = tuple(names), joint, channels
        for name, layer in plain.named_children():
            self.add_module(name, layer)
        read = OrderedDict((name, copy.deepcopy(self.get_submodule(name))) for name in self._names[:joint])
        weight = next(self.parameters())
        last = nn.Conv2d(width, 2 * width, 1, dtype=weight.dtype, device=weight.device)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.fusion = nn.Sequential(OrderedDict([*read.items(), ("join", last)])).requires_grad_()
        self.train(plain.training)

    @property
    def plain_channels(self) -> int:
        """How many channels the plain layers take."""
        return self._channels

    @property
    def untaught(self) -> nn.Module:
        """The layer by which the streams join; the others begin as copies."""
        return self.last

    def maps(self, images: Tensor) -> Tensor:
        """Return what the layers make of images (N, 4, H, W): colour in [-1, 1], mask in [0, 1]."""
        mask = 2 * images[:, 3:] - 1
        scale, shift = self.fusion(mask.expand(-1, self._channels, -1, -1)).chunk(2, dim=1)
        maps = colour_channels(images, self._channels)
        for number, name in enumerate(self._names, start=1):
            maps = self.get_submodule(name)(maps)
            if number == self._joint:
                maps = torch.addcmul(maps + shift, maps, scale)
        return maps


@runtime_checkable
class Streamable(Protocol):
    """A part of a network that knows which of its layers read the mask and where it joins."""

    def streamed(self) -> Streams:
        """Return a part with a second stream to stand in this one's place."""


class TwoStreams(Streams):
    """Both streams of a stack of convolutions, as in CRNN and VGG: the mask joins behind the third pooling.

    Args:
        plain: begins with a convolution of 1 or 3 channels.

    Raises:
        ValueError: the stack has fewer than three poolings.
    """

    def __init__(self, plain: nn.Sequential) -> None:
        joint = joint_of(plain)
        first = plain[0]
        assert isinstance(first, nn.Conv2d)
        width = next(layer.out_channels for layer in reversed(plain[:joint]) if isinstance(layer, nn.Conv2d))
        names = [name for name, _ in plain.named_children()]
        super().__init__(plain, names, joint, channels=first.in_channels, width=width)

    def forward(self, images: Tensor) -> Tensor:
        """Return the stack's maps, see `maps`."""
        return self.maps(images)


def joint_of(stack: nn.Sequential) -> int:
    """Return after how many layers of a stack a mask joins.

    Raises:
        ValueError: the stack has fewer than three poolings, or does not begin with a convolution.
    """
    layers = list(stack)
    poolings = [number for number, layer in enumerate(layers, start=1) if isinstance(layer, nn.MaxPool2d)]
    if not layers or not isinstance(layers[0], nn.Conv2d) or len(poolings) < POOLINGS:
        raise ValueError(
            f"fusion 'stream' needs a stack that begins with the first convolution and has {POOLINGS} MaxPool2d or "
            f"more, such as a CRNN's; this one has {len(poolings)}: choose another fusion"
        )
    return poolings[POOLINGS - 1]

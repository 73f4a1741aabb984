"""A second stack of first layers, which reads a text mask as a picture and changes what the first stack gives."""

from __future__ import annotations

import copy
from collections import OrderedDict

import torch
from torch import Tensor, nn

from recognizers.colour_channels import colour_channels
from recognizers.fused_part import FusedPart

POOLINGS = 3
"""After this many poolings a mask joins: an eighth of the height, where a map says which part of a letter is there."""


class TwoStreams(FusedPart, nn.Module):
    """A network's stack of convolutions with its plain weights, and `fusion`, which reads the mask.

    A recognizer reads white letters on black as it reads photographs, and a text mask is such a picture. So `fusion`
    begins as a copy of the stack's layers up to its third pooling and is fed the mask; a last 1x1 convolution, which
    starts at zero, makes of what they give a scale and a shift for the plain stack's maps there. Not in the paper.

    It stands under the name of the stack that it replaces, and its layers keep theirs, so that the network needs no
    change, and its file holds the plain tensors under their plain names beside `fusion`'s. Before any training it gives
    what the plain stack gives of the colours (grey: of their luma).

    Args:
        plain: begins with a convolution of 1 or 3 channels; its layers are taken over, not copied.

    Raises:
        ValueError: the stack has fewer than three poolings.
    """

    kind = "stream"

    def __init__(self, plain: nn.Sequential) -> None:
        super().__init__()
        layers = OrderedDict(plain.named_children())
        first = next(iter(layers.values()))
        assert isinstance(first, nn.Conv2d)
        self._channels = first.in_channels
        self._names = list(layers)
        self._joint = joint_of(plain)
        for name, layer in layers.items():
            self.add_module(name, layer)
        read = OrderedDict((name, copy.deepcopy(layers[name])) for name in self._names[: self._joint])
        width = next(layer.out_channels for layer in reversed(read.values()) if isinstance(layer, nn.Conv2d))
        last = nn.Conv2d(width, 2 * width, 1, dtype=first.weight.dtype, device=first.weight.device)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.fusion = nn.Sequential(OrderedDict([*read.items(), ("join", last)])).requires_grad_()
        self.train(plain.training)

    @property
    def plain_channels(self) -> int:
        """How many channels the plain stack takes."""
        return self._channels

    @property
    def untaught(self) -> nn.Module:
        """The layer by which the streams join; the others begin as copies."""
        return self.last

    def forward(self, images: Tensor) -> Tensor:
        """Return the stack's maps of images (N, 4, H, W): colour in [-1, 1], mask in [0, 1]."""
        mask = 2 * images[:, 3:] - 1
        scale, shift = self.fusion(mask.expand(-1, self._channels, -1, -1)).chunk(2, dim=1)
        maps = colour_channels(images, self._channels)
        for number, name in enumerate(self._names, start=1):
            maps = self.get_submodule(name)(maps)
            if number == self._joint:
                maps = torch.addcmul(maps + shift, maps, scale)
        return maps


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

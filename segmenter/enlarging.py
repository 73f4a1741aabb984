"""More channels for a trained mask network, which goes on from what it has learnt."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segmenter.network import Decoder, MutuallyGuidedNet


@torch.no_grad()
def enlarged(network: MutuallyGuidedNet, width: int) -> MutuallyGuidedNet:
    """Return a wider network that gives the same outputs in eval mode, to rounding.

    The old channels keep their weights and do not see the new ones yet, whose own weights are fresh: unlike copies of
    old channels (Net2Net, Chen et al. 2016) they differ from the first step on. Training connects them.

    Args:
        network: the trained network.
        width: channels of the first block, more than it has.

    Raises:
        ValueError: the width is not larger.
    """
    if width <= network.width:
        raise ValueError(f"width must be more than the network's {network.width}, got {width}")
    wide = MutuallyGuidedNet(**{**network.config(), "width": width})
    firsts = _inputs_of_first_layers(network)
    for (name, old), new in zip(network.named_modules(), wide.modules(), strict=True):
        if isinstance(old, nn.Conv2d) and isinstance(new, nn.Conv2d):
            _copy_convolution(old, new, inputs=firsts.get(name, 1))
        elif isinstance(old, nn.BatchNorm2d) and isinstance(new, nn.BatchNorm2d):
            for kept, given in zip(
                (*old.parameters(), *old.buffers()), (*new.parameters(), *new.buffers()), strict=True
            ):
                _front(given, kept).copy_(kept)
    return wide.train(network.training)


def _inputs_of_first_layers(network: MutuallyGuidedNet) -> dict[str, int]:
    """Return how many maps of equal channels are stacked before the first layer of each decoder block, by its name."""
    return {
        f"{name}.blocks.{depth}.0": 1 + decoder.skips + (depth == 0)
        for name, decoder in network.named_modules()
        if isinstance(decoder, Decoder)
        for depth in range(len(decoder.blocks))
    }


def _copy_convolution(old: nn.Conv2d, new: nn.Conv2d, *, inputs: int) -> None:
    """Copy the weights between old channels and let the new ones have no effect on old ones.

    Args:
        old: the trained layer.
        new: the wider one.
        inputs: maps of equal channels that are stacked before it; new channels are the last of each.
    """
    channels = old.in_channels // inputs
    starts = (number * (new.in_channels // inputs) for number in range(inputs))
    columns = torch.cat([start + torch.arange(channels) for start in starts])
    rows = new.weight[: old.out_channels]
    rows.zero_()
    rows[:, columns] = old.weight
    if old.bias is not None and new.bias is not None:
        _front(new.bias, old.bias).copy_(old.bias)


def _front(wide: Tensor, narrow: Tensor) -> Tensor:
    """Return the part of a vector that is as long as another; a number whole."""
    return wide[: len(narrow)] if narrow.ndim else wide

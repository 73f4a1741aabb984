"""In which order networks in training keep their maps in memory."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)

LEAST_CHANNELS = 16
"""On a CPU, the backward pass of torch 2.14's strided 1x1 convolution writes beyond its memory with fewer channels in
that order; with 16 or more, its gradients are right."""


def with_channels_last(network: Network) -> Network:
    """Return the network with its weights' channels last, where convolutions train faster, most of all in bfloat16.

    One that holds a strided 1x1 convolution of fewer than `LEAST_CHANNELS` channels stays as it is. It must be fed
    contiguous images then: torch puts channels last where either the weights or the images have them so.
    """
    return network if any(map(_is_unsafe, network.modules())) else network.to(memory_format=torch.channels_last)


def _is_unsafe(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and max(module.stride) > 1
        and module.in_channels < LEAST_CHANNELS
    )

"""Optimiser steps that are smaller for some elements of a parameter than for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


def scale_elements(optimizer: torch.optim.Optimizer, shares: Mapping[nn.Parameter, Tensor]) -> None:
    """Let each element of these parameters take, from now on, its share of every step that the optimiser does.

    For optimisers whose step is a learning rate times something that does not depend on it (Adam, AdamW, Adadelta,
    SGD), that is a learning rate of the element's own; scaling gradients would not be, since Adam divides them away.
    The parameter stays one tensor and the optimiser's state is as without shares, so files, checkpoints, averages and
    DistributedDataParallel know nothing of it: splitting the tensor into two parameters would change all of them.

    Args:
        optimizer: trains the parameters; a step that a GradScaler leaves out stays left out.
        shares: tensors in [0, 1] that broadcast to their parameter; where the share is 0, it keeps its bytes.
    """
    kept = [(parameter, share.to(parameter)) for parameter, share in shares.items()]
    before: list[Tensor] = []

    @torch.no_grad()
    def remember(*_: Any) -> None:
        before[:] = [parameter.clone() for parameter, _ in kept]

    @torch.no_grad()
    def scale(*_: Any) -> None:
        for (parameter, share), old in zip(kept, before, strict=True):
            parameter.copy_(torch.where(share == 1, parameter, old + (parameter - old) * share))
        before.clear()

    optimizer.register_step_pre_hook(remember)
    optimizer.register_step_post_hook(scale)

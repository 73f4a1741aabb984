"""Gradient checkpointing: maps that the backward pass computes again instead of keeping them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recomputed(function: Callable[..., Tensor], layers: nn.Module, *inputs: Tensor | None) -> Tensor:
    """Return `function(*inputs)`, of which only the inputs are kept for the backward pass.

    Args:
        function: applies `layers`, without drawing random numbers.
        layers: the BatchNorms in them count the batch once, not a second time when the maps are computed again.
        inputs: what the function is given.
    """
    result: Tensor = checkpoint(
        function,
        *inputs,
        use_reentrant=False,
        preserve_rng_state=False,
        context_fn=lambda: (nullcontext(), _statistics_kept(layers)),
    )
    return result


@contextmanager
def _statistics_kept(layers: nn.Module) -> Iterator[None]:
    """Let the BatchNorms normalise by the batch without moving their running statistics."""
    norms = [module for module in layers.modules() if isinstance(module, _BatchNorm)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, batches) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, batches

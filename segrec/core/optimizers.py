"""Optimisers by name, with weight decay only where it belongs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from segrec.core.errors import ConfigError

if TYPE_CHECKING:
    import torch
    from torch import nn

OPTIMIZERS = ("adam", "adamw", "adadelta")


SLOW = 0.1
"""Share of the learning rate that slow parameters get."""


def make_optimizer(
    name: str,
    parameters: Iterable[nn.Parameter],
    *,
    learning_rate: float,
    weight_decay: float = 0.0,
    slow: Collection[nn.Parameter] = (),
) -> torch.optim.Optimizer:
    """Return an optimiser of the parameters that are not frozen.

    Weights of one dimension or none, which are biases and those of normalisations, do not decay.

    Args:
        name: one of `OPTIMIZERS`, each with the constants that torch gives it.
        learning_rate: the peak; `fit` sets the rate of each step.
        weight_decay: decoupled from the gradient in adamw, added to it in the others.
        slow: those of the parameters that learn at a tenth of the rate.

    Raises:
        ConfigError: the name is unknown, the decay is negative, or all parameters are frozen.
    """
    from torch import optim  # the command line lists the names without waiting for torch

    makers: dict[str, Any] = {"adam": optim.Adam, "adamw": optim.AdamW, "adadelta": optim.Adadelta}
    if name not in makers:
        raise ConfigError(f"unknown optimizer {name!r}; use one of {', '.join(OPTIMIZERS)}")
    if not weight_decay >= 0:
        raise ConfigError(f"the weight decay must not be negative, got {weight_decay}")
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    if not trained:
        raise ConfigError("all parameters are frozen, so nothing is left to train; free at least one layer")
    slow_ones = {id(parameter) for parameter in slow}
    fast = _groups([parameter for parameter in trained if id(parameter) not in slow_ones], weight_decay)
    rest = _groups([parameter for parameter in trained if id(parameter) in slow_ones], weight_decay)
    groups = [*fast, *({**group, "lr_scale": SLOW} for group in rest)]
    optimizer: optim.Optimizer = makers[name](groups, lr=learning_rate)
    return optimizer


def _groups(parameters: list[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Return the groups that decay and that do not, without empty ones; a single group where nothing decays."""
    decaying = [parameter for parameter in parameters if parameter.ndim > 1 or not weight_decay]
    steady = [parameter for parameter in parameters if parameter.ndim <= 1 and weight_decay]
    groups = [{"params": decaying, "weight_decay": weight_decay}, {"params": steady, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]

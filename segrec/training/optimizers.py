"""Optimisers by name, with weight decay only where it belongs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from segrec.core.errors import ConfigError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

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
    scales: Mapping[nn.Parameter, Tensor] | None = None,
) -> torch.optim.Optimizer:
    """Return an optimiser of the parameters that are not frozen.

    Weights of one dimension or none, which are biases and those of normalisations, do not decay.

    Args:
        name: one of `OPTIMIZERS`, each with the constants that torch gives it.
        learning_rate: the peak; `fit` sets the rate of each step.
        weight_decay: decoupled from the gradient in adamw, added to it in the others.
        slow: those of the parameters that learn at a tenth of the rate.
        scales: multiples of the rate, 0 or more, at which single parameters learn; a tensor that broadcasts to its
            parameter gives its elements rates of their own, see `scale_elements`.

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
    scales = {} if scales is None else scales
    groups = [
        group if rate == 1 else {**group, "lr_scale": rate}
        for rate, members in _by_rate(trained, slow, scales).items()
        for group in _groups(members, weight_decay)
    ]
    optimizer: optim.Optimizer = makers[name](groups, lr=learning_rate)
    uneven = {own: scales[own] for own in trained if own in scales and scales[own].min() < scales[own].max()}
    if uneven:
        scale_elements(optimizer, {parameter: scale / scale.max() for parameter, scale in uneven.items()})
    return optimizer


def _by_rate(
    trained: list[nn.Parameter], slow: Collection[nn.Parameter], scales: Mapping[nn.Parameter, Tensor]
) -> dict[float, list[nn.Parameter]]:
    """Return the parameters by the multiple of the run's rate at which they learn, at most."""
    slow_ones = {id(parameter) for parameter in slow}
    by_rate: dict[float, list[nn.Parameter]] = {1.0: []}  # the run's own rate is the first group's, which logs show
    for parameter in trained:
        largest = float(scales[parameter].max()) if parameter in scales else 1.0
        by_rate.setdefault(largest * (SLOW if id(parameter) in slow_ones else 1.0), []).append(parameter)
    return by_rate


def _groups(parameters: list[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Return the groups that decay and that do not, without empty ones; a single group where nothing decays."""
    decaying = [parameter for parameter in parameters if parameter.ndim > 1 or not weight_decay]
    steady = [parameter for parameter in parameters if parameter.ndim <= 1 and weight_decay]
    groups = [{"params": decaying, "weight_decay": weight_decay}, {"params": steady, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


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
    import torch

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

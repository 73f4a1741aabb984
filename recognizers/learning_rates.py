"""Learning rates of what sees the mask: a channel that starts at zero has further to go than trained colours."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recognizers.fused_part import fused_part
from recognizers.widen import input_layers


def input_rates(model: nn.Module, *, mask: float, colour: float) -> dict[nn.Parameter, Tensor]:
    """Return how fast the layers that see the mask learn, as multiples of the run's rate; each fits its parameter.

    `segrec.training.optimizers.make_optimizer(..., scales=...)` takes them. With `colour` 0 only the mask's weights
    move, so that with a zero mask the model stays what it was.

    Args:
        model: a recognizer of this package, or any widened network.
        mask: of the mask's weights, or of all new weights through which it is fused; layers that begin as copies of
            trained ones learn at the run's rate.
        colour: of the layers' plain weights: those of the colours and the bias.

    Raises:
        ValueError: the model names no input layer.
    """
    rates: dict[nn.Parameter, Tensor] = {}
    for name in input_layers(model):
        layer = model.get_submodule(name)
        assert isinstance(layer, nn.Conv2d), f"{name} is not a Conv2d"
        fused = fused_part(model, name)
        if fused is not None:
            rates.update((parameter, torch.tensor(mask)) for parameter in fused[1].untaught.parameters())
        columns = [colour] * min(layer.in_channels, 3) + [mask] * (layer.in_channels - 3)
        rates[layer.get_parameter("weight")] = torch.tensor(columns).reshape(1, -1, 1, 1)
        if layer.bias is not None:
            rates[layer.get_parameter("bias")] = torch.tensor(colour)
    return rates

"""State dicts with crnn.pytorch's names and shapes, drawn without this project's network."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor

WIDTHS = (64, 128, 256, 256, 512, 512, 512)
SMALL_WIDTHS = (4, 6, 8, 8, 10, 10, 12)


def public_state(
    *, widths: tuple[int, ...] = WIDTHS, hidden: int = 256, classes: int = 37, channels: int = 1, seed: int = 0
) -> OrderedDict[str, Tensor]:
    """What `torch.load("crnn.pth")` gives, with lively weights; new enough to hold `num_batches_tracked`."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int, gain: float = 1.0) -> Tensor:
        return torch.randn(shape, generator=generator) * gain

    state: OrderedDict[str, Tensor] = OrderedDict()
    for index, width in enumerate(widths):
        kernel = 2 if index == 6 else 3
        fan_in = channels * kernel * kernel
        state[f"cnn.conv{index}.weight"] = draw(width, channels, kernel, kernel, gain=(2 / fan_in) ** 0.5)
        state[f"cnn.conv{index}.bias"] = draw(width, gain=0.1)
        if index in (2, 4, 6):
            state[f"cnn.batchnorm{index}.weight"] = 1 + draw(width, gain=0.1)
            state[f"cnn.batchnorm{index}.bias"] = draw(width, gain=0.1)
            state[f"cnn.batchnorm{index}.running_mean"] = draw(width, gain=0.1)
            state[f"cnn.batchnorm{index}.running_var"] = 1 + draw(width, gain=0.1).abs()
            state[f"cnn.batchnorm{index}.num_batches_tracked"] = torch.tensor(1000)
        channels = width
    for layer, (inputs, outputs) in enumerate(((widths[-1], hidden), (hidden, classes))):
        for suffix in ("l0", "l0_reverse"):
            state[f"rnn.{layer}.rnn.weight_ih_{suffix}"] = draw(4 * hidden, inputs, gain=2 / inputs**0.5)
            state[f"rnn.{layer}.rnn.weight_hh_{suffix}"] = draw(4 * hidden, hidden, gain=1 / hidden**0.5)
            state[f"rnn.{layer}.rnn.bias_ih_{suffix}"] = draw(4 * hidden, gain=0.1)
            state[f"rnn.{layer}.rnn.bias_hh_{suffix}"] = draw(4 * hidden, gain=0.1)
        state[f"rnn.{layer}.embedding.weight"] = draw(outputs, 2 * hidden, gain=4 / (2 * hidden) ** 0.5)
        state[f"rnn.{layer}.embedding.bias"] = draw(outputs, gain=0.1)
    return state


def small_state(*, classes: int = 37, channels: int = 1, seed: int = 0) -> OrderedDict[str, Tensor]:
    """A public state dict of a narrow network, for tests about names rather than numbers."""
    return public_state(widths=SMALL_WIDTHS, hidden=8, classes=classes, channels=channels, seed=seed)


def cut_counters(state: OrderedDict[str, Tensor]) -> OrderedDict[str, Tensor]:
    """The same as torch before 0.4.1 saved it."""
    return OrderedDict((name, tensor) for name, tensor in state.items() if not name.endswith("num_batches_tracked"))

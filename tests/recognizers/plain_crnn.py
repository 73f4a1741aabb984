"""The public CRNN written out with functions, over a state dict of any project's names."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional


def plain_logits(state: Mapping[str, Tensor], images: Tensor, *, cnn: str, rnn: str, head: str) -> Tensor:
    """Logits (T, N, classes) of images (N, C, 32, W), in the state dict's own class order.

    Args:
        state: a bias that is absent is none.
        images: normalised.
        cnn: what the convolutions' names begin with.
        rnn: what the LSTMs' names begin with.
        head: what the projection after each LSTM is called.
    """
    maps = images
    for index in range(7):
        name = f"{cnn}conv{index}"
        maps = functional.conv2d(maps, state[f"{name}.weight"], state.get(f"{name}.bias"), padding=int(index < 6))
        if index in (2, 4, 6):
            mean, variance, weight, bias = (
                state[f"{cnn}batchnorm{index}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
            )
            maps = functional.batch_norm(maps, mean, variance, weight, bias)
        maps = maps.relu()
        if index in (0, 1):
            maps = functional.max_pool2d(maps, 2)
        if index in (3, 5):
            maps = functional.max_pool2d(maps, (2, 2), (2, 1), (0, 1))
    steps = maps.squeeze(2).permute(2, 0, 1)  # (T, N, C)
    for layer in ("0", "1"):
        forwards = _lstm(state, f"{rnn}{layer}.rnn.", "l0", steps)
        backwards = _lstm(state, f"{rnn}{layer}.rnn.", "l0_reverse", steps.flip(0)).flip(0)
        both = torch.cat((forwards, backwards), dim=2)
        steps = functional.linear(both, state[f"{rnn}{layer}.{head}.weight"], state[f"{rnn}{layer}.{head}.bias"])
    return steps


def _lstm(state: Mapping[str, Tensor], name: str, suffix: str, steps: Tensor) -> Tensor:
    weights = [state[f"{name}{part}_{suffix}"] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    hidden = cell = steps.new_zeros(steps.shape[1], weights[1].shape[1])
    outputs = []
    for step in steps:
        gates = functional.linear(step, weights[0], weights[2]) + functional.linear(hidden, weights[1], weights[3])
        let_in, forget, new, out = gates.chunk(4, dim=1)
        cell = forget.sigmoid() * cell + let_in.sigmoid() * new.tanh()
        hidden = out.sigmoid() * cell.tanh()
        outputs.append(hidden)
    return torch.stack(outputs)

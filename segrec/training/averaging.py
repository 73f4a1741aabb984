"""The moving average of a network's weights, which mostly predicts better than the weights of the last step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class WeightAverage:
    """The exponential moving average of the parameters that a model trains; it starts with those of the first step.

    Only parameters are averaged: BatchNorm's running statistics are moving averages already, and stay the model's.

    Args:
        model: of its parameters those are averaged that are not frozen now.
        decay: share of the average that a step keeps, below 1; early on, after n steps, at most (1 + n) / (10 + n), so
            that a short run's average is not that of its beginning (as TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._trained = nn.ParameterList([p for p in model.parameters() if p.requires_grad])
        self._average = AveragedModel(self._trained, multi_avg_fn=self._mix)

    @torch.no_grad()
    def _mix(self, averages: Sequence[Tensor], weights: Sequence[Tensor], steps: Tensor | int) -> None:
        decay = min(self._decay, (1 + int(steps)) / (10 + int(steps)))
        torch._foreach_lerp_(list(averages), list(weights), 1 - decay)

    def update(self) -> None:
        """Take in the weights of a finished step."""
        self._average.update_parameters(self._trained)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model hold the average meanwhile, and at the end, whatever happens, its own weights again."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` goes on from."""
        return self._average.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state.

        Raises:
            RuntimeError: it is of other parameters.
        """
        self._average.load_state_dict(state)

    @torch.no_grad()
    def _exchange(self) -> None:
        """Exchange values, not tensors: cuDNN's LSTMs keep their weights in one piece of memory."""
        for own, average in zip(self._trained, self._average.parameters(), strict=True):
            kept = own.clone()
            own.copy_(average)
            average.copy_(kept)

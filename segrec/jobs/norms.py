"""What becomes of BatchNorm's running statistics in a fine-tuning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from recognizers.choices import Norms
from recognizers.widen import train_input_mode

BATCHES = 50
"""Batches of training words over which statistics are estimated anew."""


def training_mode(model: nn.Module, *, input_only: bool, norms: Norms | None) -> Callable[[], None]:
    """Return what puts a model in its mode for training.

    Args:
        model: a recognizer.
        input_only: all but the input layer is frozen.
        norms: `train` lets running statistics follow the batches, also those of frozen layers; `frozen` and
            `reestimate` keep them; None does what suits `input_only`.
    """
    moving = norms == "train" if norms is not None else not input_only

    def set_mode() -> None:
        if input_only:
            train_input_mode(model)
        else:
            model.train()
        for norm in _norms(model):
            norm.train(moving)

    return set_mode


@torch.no_grad()
def reestimate(model: nn.Module, batches: Iterator[Any], forward: Callable[[Any], object]) -> None:
    """Set running statistics to their means over batches; the model is in eval mode afterwards.

    The result follows from weights and batches alone, so doing it twice changes nothing.

    Args:
        model: with its final weights.
        batches: of which `BATCHES` at most are taken.
        forward: puts a batch through the model.
    """
    model.eval()
    norms = _norms(model)
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a mean of all batches
        norm.train()
    for _, batch in zip(range(BATCHES), batches, strict=False):
        forward(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


def _norms(model: nn.Module) -> list[_BatchNorm]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]

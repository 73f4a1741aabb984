"""Tiny networks of the benchmark for tests: all parts, few weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from recognizers import Charset
from recognizers.dtrb import Trba, VggBiLstmCtc


def small_vgg(*, seed: int = 0, **changes: Any) -> VggBiLstmCtc:
    """Return a VggBiLstmCtc of a few thousand weights, by default for 0-9 and a-z."""
    torch.manual_seed(seed)
    return VggBiLstmCtc(**{"widths": (4, 4, 4, 4, 6, 6, 8), "hidden": 5, **changes}).eval()


def small_trba(*, seed: int = 5, lively: bool = True, **changes: Any) -> Trba:
    """Return a Trba of some thousand weights; `lively` gives BatchNorm, localiser and decoder something to do."""
    torch.manual_seed(seed)
    values: dict[str, Any] = {
        "charset": Charset("abcd", "go-first"),
        "widths": (2, 4, 4, 4, 6, 8),
        "hidden": 6,
        "localiser_widths": (4, 4, 4, 8),
        "points": 6,
        "max_length": 7,
    }
    model = Trba(**{**values, **changes}).eval()
    if lively:
        _enliven(model)
    return model


def small_words(words: int = 3, *, channels: int = 1, seed: int = 1) -> Tensor:
    """Return (words, channels, 32, 100) smooth pictures in [-1, 1]."""
    coarse = torch.rand(words, channels, 4, 12, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return nn.functional.interpolate(coarse, (32, 100), mode="bilinear", align_corners=True)


@torch.no_grad()
def _enliven(model: Trba) -> None:
    """Give BatchNorm the statistics of pictures, and localiser and decoder weights that make words differ."""
    model.Transformation.LocalizationNetwork.localization_fc2.weight.normal_(0, 0.2)
    for parameter in (*model.SequenceModeling.parameters(), *model.Prediction.parameters()):
        if parameter.ndim == 2:
            parameter.normal_(0, 2)
        else:
            parameter.zero_()
    model.Prediction.generator.bias[1] = 1  # words end before the last step
    model.train()
    for seed in range(10):
        model.encode(small_words(8, channels=model.input_spec.channels, seed=seed))
    model.eval()

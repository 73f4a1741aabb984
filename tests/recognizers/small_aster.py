"""A tiny ASTER for tests: all parts, few weights."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from recognizers import Aster, Charset, InputSpec

CHARSET = Charset("abcd", "aster")


def small_aster(*, seed: int = 2, lively: bool = True, **changes: Any) -> Aster:
    """Return an ASTER of a few thousand weights; `lively` gives BatchNorm, localiser and head something to do."""
    if not lively:
        return _fresh(seed, changes)
    statistics = _statistics(seed, tuple(sorted(changes.items())))
    model = _enlivened(seed, changes)
    model.load_state_dict(statistics, strict=False)
    return model


def small_images(words: int = 3, *, channels: int = 3, seed: int = 1) -> torch.Tensor:
    """Return (words, channels, 32, 64) smooth pictures in [-1, 1]."""
    coarse = torch.rand(words, channels, 4, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (32, 64), mode="bilinear", align_corners=True)


def _fresh(seed: int, changes: dict[str, Any]) -> Aster:
    torch.manual_seed(seed)
    values: dict[str, Any] = {
        "charset": CHARSET,
        "input_spec": InputSpec(height=32, width=64, color="rgb"),
        "widths": (4, 4, 4, 8, 8, 8),
        "blocks": (1, 1, 1, 1, 1),
        "hidden": 4,
        "state": 8,
        "localiser_widths": (4, 4, 4, 4, 4, 4),
        "localiser_hidden": 8,
        "points": 6,
        "max_length": 7,
    }
    return Aster(**{**values, **changes}).eval()


@torch.no_grad()
def _enlivened(seed: int, changes: dict[str, Any]) -> Aster:
    """Return a network with weights of localiser, LSTMs and heads that make words differ."""
    model = _fresh(seed, changes)
    model.stn_head.stn_fc2.weight.normal_(0, 0.05)
    for weight in model.encoder.rnn.parameters():
        weight.normal_(0, 1)
    for decoder in (model.decoder, model.backward_decoder):
        if decoder is not None:
            decoder.decoder.fc.weight.normal_(0, 3)
            decoder.decoder.tgt_embedding.weight.normal_(0, 2)
            decoder.decoder.gru.weight_ih_l0[:, -8:].normal_(0, 5)
    return model


@cache
@torch.no_grad()
def _statistics(seed: int, changes: tuple[tuple[str, Any], ...]) -> dict[str, torch.Tensor]:
    """Return what BatchNorm of the enlivened network keeps of many pictures; they take the longest of all."""
    model = _enlivened(seed, dict(changes)).train()
    for number in range(30):
        model.encode(small_images(16, channels=model.input_spec.channels, seed=number))
    return dict(model.named_buffers())

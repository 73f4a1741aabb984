"""Networks of random weights that write as varied words, and words as long, as trained ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recognizers.aster import Aster
from recognizers.attention import characters_before_end
from recognizers.crnn import CRNN
from recognizers.preprocess import InputSpec, normalise, prepare
from segrec.core.images import Array

GAINS = {
    "crnn": {"rnn.1.embedding.weight": 40.0},
    "aster": {
        "encoder.rnn.": 5.0,
        "decoder.decoder.attention_unit.": 4.0,
        "decoder.decoder.gru.": 5.0,
        "decoder.decoder.tgt_embedding.weight": 100.0,
        "decoder.decoder.fc.weight": 10.0,
    },
}
"""By how much an architecture's weights are enlarged, by the start of their names; as drawn, all words come out alike.
"""
END_GAIN, CLOCK_PACE, HALVINGS = 30.0, 1.7, 8
"""How much the end's score rises in all, the update gate's bias (1.7 keeps 85% a step), and bisections of its start."""


@torch.no_grad()
def enliven(model: CRNN | Aster, images: Tensor) -> None:
    """Let a network of random weights read different texts in different images; ASTER's hardly ever end.

    Args:
        model: is put in eval mode.
        images: (N, C, H, W) as it takes them; the BatchNorms get their statistics.
    """
    gains = GAINS[model.architecture]
    for name, parameter in model.named_parameters():
        parameter *= next((gain for start, gain in gains.items() if name.startswith(start)), 1.0)
    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    model.train()
    (model.encode if isinstance(model, Aster) else model)(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


def prepared(crops: Sequence[Array], spec: InputSpec) -> Tensor:
    """Return the crops (N, C, H, W) as a network takes them."""
    return normalise(torch.from_numpy(np.stack([prepare(crop, None, spec.stretched()) for crop in crops])), spec)


@torch.no_grad()
def end_words(model: Aster, images: Tensor, length: float) -> None:
    """Let words end after `length` characters in the mean.

    One unit of the GRU becomes a clock that goes from 0 to 1, and the end's score rises with it.

    Args:
        model: enlivened.
        images: (N, C, H, W) as it takes them.
        length: characters of a word, wanted in the mean.
    """
    end = model.charset.end
    assert end is not None, "a charset of kind aster has an end"
    decoder: Any = model.decoder.decoder
    _wind_up(decoder.gru)
    decoder.fc.weight[end, 0] = END_GAIN
    features, bias = model.encode(images), decoder.fc.bias
    low, high = -2 * END_GAIN, END_GAIN
    for _ in range(HALVINGS):
        bias[end] = (low + high) / 2
        written = model.decoder(features, None, max_length=model.max_length).logits.argmax(dim=2)
        long = float(characters_before_end(written, end).float().mean()) > length
        low, high = (float(bias[end]), high) if long else (low, float(bias[end]))
    bias[end] = high


def _wind_up(gru: Any) -> None:
    """Make unit 0 of a GRU, of which all gates are constant, go towards 1 by a share of what is left each step."""
    reset, update, new = range(0, 3 * gru.hidden_size, gru.hidden_size)
    for parameter in gru.parameters():
        parameter[[reset, update, new]] = 0.0
    gru.bias_ih_l0[update] = CLOCK_PACE
    gru.bias_ih_l0[new] = CLOCK_PACE * 3

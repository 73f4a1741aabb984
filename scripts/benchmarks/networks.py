"""Networks of random weights that write as varied words, and words as long, as trained ones."""

from __future__ import annotations

from collections.abc import Sequence

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
LARGEST_BIAS = 64.0
HALVINGS = 8


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
def end_words(model: Aster, images: Tensor, longest: int) -> None:
    """Raise the bias of the end until no word has more than `longest` characters.

    Args:
        model: whose words are too long.
        images: (N, C, H, W) as it takes them.
        longest: characters of the longest word, wanted.
    """
    end = model.charset.end
    assert end is not None, "a charset of kind aster has an end"
    bias = model.decoder.decoder.fc.bias
    features, start = model.encode(images), float(bias[end])
    low, high = 0.0, LARGEST_BIAS
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        bias[end] = start + middle
        written = model.decoder(features, None, max_length=longest + 1).logits.argmax(dim=2)
        short = int(characters_before_end(written, end).max()) <= longest
        low, high = (low, middle) if short else (middle, high)
    bias[end] = start + high

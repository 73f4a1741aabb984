"""ASTER's greedy reading against the same network decoded the plain way."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmarks.timing import Comparison, measure
from recognizers.aster import Aster
from recognizers.predictor import Recognizer
from segrec.core.images import Array

PUBLIC_STEPS = 100
"""Which aster.pytorch takes for every word."""


class PlainAster(nn.Module):
    """The modules of an ASTER, called and decoded without any of the reader's savings.

    Images lie in memory channel by channel, as networks usually take them. Each of always `steps` steps projects the
    features anew, embeds the last character and calls the GRU.

    Args:
        aster: with one decoder; it shares its weights.
        steps: of each word; those after the network's longest word are thrown away.
    """

    def __init__(self, aster: Aster, *, steps: int = PUBLIC_STEPS) -> None:
        super().__init__()
        self.aster, self.steps = aster, steps
        self.charset, self.input_spec, self.temperature = aster.charset, aster.input_spec, aster.temperature

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, max_length, classes) of images (N, C, H, W)."""
        features = self.aster.encode(images.contiguous())  # (N, S, D)
        decoder = self.aster.decoder.decoder
        unit = decoder.attention_unit
        state = features.new_zeros(1, features.shape[0], decoder.gru.hidden_size)
        previous = torch.full((features.shape[0],), decoder.tgt_embedding.num_embeddings - 1, device=features.device)
        written = []
        for _ in range(self.steps):
            query, keys = unit.sEmbed(state[0]), unit.xEmbed(features)
            scores = unit.wEmbed(torch.tanh(keys + query[:, None]))  # (N, S, 1)
            context = torch.bmm(scores.softmax(dim=1).transpose(1, 2), features)  # (N, 1, D)
            embedded = decoder.tgt_embedding(previous)[:, None]
            output, state = decoder.gru(torch.cat((embedded, context), dim=2), state)
            written.append(decoder.fc(output[:, 0]))
            previous = written[-1].argmax(dim=1)
        return torch.stack(written[: self.aster.max_length], dim=1)


def compare_decoding(aster: Aster, crops: Sequence[Array], *, batch_size: int, repeats: int) -> Comparison:
    """Compare plain with own reading of the crops.

    Args:
        aster: with one decoder.
        crops: (H, W, 3) uint8 RGB.
        batch_size: crops at once.
        repeats: measurements.
    """
    plain, own = Recognizer(PlainAster(aster)), Recognizer(aster)
    texts = [[reading.text for reading in reader.read(crops, batch_size=batch_size)] for reader in (plain, own)]
    rows = measure(
        {
            f"projection in the loop and always {PUBLIC_STEPS} steps, the reference": lambda: plain.read(
                crops, batch_size=batch_size
            ),
            "`Recognizer.read`": lambda: own.read(crops, batch_size=batch_size),
        },
        repeats,
        warm_ups=0,
    )
    return Comparison(rows, list(zip(*texts, strict=True)))

"""An attention recognizer in training, helped by a CTC head on its encoder."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn


class Aided(NamedTuple):
    """Teacher-forced logits (N, L, classes) of each decoder, and CTC logits (N, S, characters + 1), blank first."""

    decoders: tuple[Tensor, ...]
    ctc: Tensor


class CtcAided(nn.Module):
    """An attention recognizer in training, with a linear CTC head on its encoder's features.

    Not in the paper. An attention decoder alone finds out late which column a character stands in; the CTC loss, which
    knows that the order is kept, tells the encoder within some hundred steps (joint training of Kim, Hori, Watanabe,
    ICASSP 2017). The head is thrown away afterwards.

    Args:
        recognizer: with `encode`, `teach` and an attention charset.
        features: width of its encoder's features.
    """

    def __init__(self, recognizer: nn.Module, features: int) -> None:
        super().__init__()
        self.recognizer: Any = recognizer
        self.head = nn.Linear(features, len(self.recognizer.charset.characters) + 1)

    def forward(self, images: Tensor, targets: Tensor) -> Aided:
        """Both heads' logits of images (N, C, H, W) with targets (N, L), as the recognizer's `forward` takes them."""
        features = self.recognizer.encode(images)  # (N, S, D)
        return Aided(self.recognizer.teach(features, targets), self.head(features))

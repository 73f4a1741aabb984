"""An attention recognizer in training: all its decoders taught, helped by a CTC head on its encoder."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn


class Aided(NamedTuple):
    """What is compared with the truth.

    Attributes:
        decoders: teacher-forced logits (N, L, classes) of each decoder; the second one's words are reversed.
        ctc: logits (N, S, characters + 1), blank first; None without the head.
    """

    decoders: tuple[Tensor, ...]
    ctc: Tensor | None


class CtcAided(nn.Module):
    """An attention recognizer in training, with a linear CTC head on its encoder's features.

    Not in the paper. An attention decoder alone finds out late which column a character stands in; the CTC loss, which
    knows that the order is kept, tells the encoder within some hundred steps (joint training of Kim, Hori, Watanabe,
    ICASSP 2017). The head is thrown away afterwards.

    Args:
        recognizer: with `encode`, `teach` and an attention charset.
        features: width of its encoder's features.
        weight: of the CTC loss beside the decoders'; 0 leaves the head out.
    """

    def __init__(self, recognizer: nn.Module, features: int, *, weight: float = 0.5) -> None:
        super().__init__()
        attention_recognizer: Any = recognizer
        self.recognizer = attention_recognizer
        self.weight = weight
        self.head = nn.Linear(features, len(attention_recognizer.charset.characters) + 1) if weight else None

    def forward(self, images: Tensor, targets: Tensor) -> Aided:
        """Both heads' logits of images (N, C, H, W) with targets (N, L), as the recognizer's `forward` takes them."""
        features = self.recognizer.encode(images)  # (N, S, D)
        return Aided(self.recognizer.teach(features, targets), None if self.head is None else self.head(features))

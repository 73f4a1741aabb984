"""One word as read, and what all decoders ask of logits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from recognizers.charset import Charset
from recognizers.decoding.written import characters_of, is_character
from segrec.core.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

NOT_FINITE = "logits are not finite: the weights or the input hold NaN or infinity"


class Reading(NamedTuple):
    """One word as read; what the confidences are is said by the decoder that gave them.

    Attributes:
        text: characters of the charset; may be empty.
        confidence: in [0, 1].
        character_confidences: in [0, 1], one per character.
    """

    text: str
    confidence: float
    character_confidences: tuple[float, ...]


def check_shape(logits: Tensor | np.ndarray, charset: Charset) -> None:
    """Refuse what is not an output of a recognizer with this charset.

    Raises:
        ValueError: the logits are not (N, T, classes) with T >= 1.
    """
    if logits.ndim != 3 or logits.shape[1] == 0 or logits.shape[2] != charset.classes:
        raise ValueError(f"logits must be (N, T, {charset.classes}) with T >= 1, got {tuple(logits.shape)}")


def check_kind(charset: Charset, *, attention: bool) -> None:
    """Refuse logits of one kind of recognizer where those of the other are decoded.

    Raises:
        ValueError: the charset is that of the other kind.
    """
    if charset.is_attention != attention:
        wanted = "an attention decoder" if attention else "CTC"
        raise ValueError(f"this decodes logits of {wanted}, got a charset of kind {charset.kind!r}; use read_logits()")


def check_temperature(temperature: float) -> float:
    """Return the temperature, by which logits are divided before a greedy reading, as it came.

    Raises:
        ConfigError: it is not a finite number above 0.
    """
    if not isinstance(temperature, int | float) or not 0 < temperature < math.inf:
        shown = repr(temperature)[:40]
        raise ConfigError(f"the temperature must be above 0, got {shown}; 1 leaves confidences as they are")
    return temperature


def reading_of(
    ids: Sequence[int], log_probability: float, character_log_probabilities: Sequence[float], charset: Charset
) -> Reading:
    """Return the reading of class numbers, as a beam search gives them, without classes that are not characters.

    Args:
        ids: class numbers, without an end.
        log_probability: of the word.
        character_log_probabilities: one a class number.
        charset: the classes.
    """
    places = [place for place, number in enumerate(ids) if is_character(number, charset)]
    return Reading(
        characters_of([ids[place] for place in places], charset),
        _probability(log_probability),
        tuple(_probability(character_log_probabilities[place]) for place in places),
    )


def _probability(logarithm: float) -> float:
    return min(math.exp(logarithm), 1.0) if logarithm < 0 else 1.0

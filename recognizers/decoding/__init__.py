"""From logits to text and its confidence: greedily, with a beam, or as the probability of given texts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from recognizers.decoding.greedy import attention_greedy, ctc_greedy, read_logits
from recognizers.decoding.places import Placed, Places, attention_places, ctc_places, placed
from recognizers.decoding.reading import Reading, reading_of

if TYPE_CHECKING:
    from recognizers.decoding.alignment import ctc_score
    from recognizers.decoding.beam import ctc_beam

__all__ = [
    "Placed",
    "Places",
    "Reading",
    "attention_greedy",
    "attention_places",
    "ctc_beam",
    "ctc_greedy",
    "ctc_places",
    "ctc_score",
    "placed",
    "read_logits",
    "reading_of",
]

_NEED_TORCH = {"ctc_beam": "beam", "ctc_score": "alignment"}


def __getattr__(name: str) -> Any:
    """Return the public name, imported on first use so that greedy decoding of arrays needs no torch."""
    if name not in _NEED_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_NEED_TORCH[name]}"), name)

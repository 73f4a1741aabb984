"""From logits to text and its confidence: greedily, with a beam, or as the probability of given texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recognizers.decoding.greedy import attention_greedy, ctc_greedy, read_logits
from recognizers.decoding.places import Placed, Places, attention_places, ctc_places, placed
from recognizers.decoding.reading import Reading, reading_of
from segrec.core.lazy import lazy_names

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

_HOME = {"ctc_beam": "beam", "ctc_score": "alignment"}
"""What needs torch; the others decode arrays without it."""

__getattr__ = lazy_names(__name__, _HOME)


def __dir__() -> list[str]:
    return __all__

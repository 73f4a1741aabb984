"""Which families there are, which one a state dict belongs to, and which one is nearest to a stranger."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import NamedTuple

from recognizers.families import aster_pytorch, crnn_pytorch, dtrb_trba, dtrb_vgg, easyocr, mmocr, parseq
from recognizers.families.family import Family, State
from segrec.core.errors import CheckpointError

FAMILIES = (
    crnn_pytorch.FAMILY,
    easyocr.FAMILY,
    dtrb_vgg.FAMILY,
    dtrb_trba.FAMILY,
    parseq.FAMILY,
    aster_pytorch.FAMILY,
    mmocr.FAMILY,
)

_ALIKE = 0.75
_MOST_NAMED = 3
_MOST_COMPARED = 500
_SAMPLE = 12
"""How many keys are compared letter by letter with those of each family."""


def family_of(state: State, source: str) -> Family:
    """Return the family that `state` belongs to.

    Raises:
        CheckpointError: no family fits; the nearest is named.
    """
    for family in FAMILIES:
        if family.recognise(state):
            return family
    readable = ", ".join(family.name for family in FAMILIES)
    found = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in list(state.items())[:3])
    raise CheckpointError(
        f"{source} is of no known recognizer family: {nearest_in_words(state, FAMILIES)}it holds {len(state)} tensors, "
        f"first {found}; give one of {readable}"
    )


class _Candidate(NamedTuple):
    shared: int
    alike: int
    share: float
    family: Family
    keys: Collection[str]


def nearest_in_words(state: State, families: Sequence[Family]) -> str:
    """Return a clause that names the family with most keys in common and the keys that differ; empty without any."""
    nearest = max((_compare(state, family) for family in families), key=lambda candidate: candidate[:3])
    if not nearest.shared and not nearest.alike:
        return ""
    lacking = [key for key in nearest.keys if key not in state and not key.endswith(".num_batches_tracked")]
    lacking.sort(key=lambda key: key not in nearest.family.signs)  # what it is recognised by comes first
    others = [name for name in state if name not in nearest.keys][:_MOST_COMPARED]
    named = [_with_lookalike(key, others) for key in lacking[:_MOST_NAMED]]
    more = f" and {len(lacking) - _MOST_NAMED} more" if len(lacking) > _MOST_NAMED else ""
    return (
        f"nearest is {nearest.family.name}, {nearest.shared} of whose {len(nearest.keys)} keys it has, "
        f"but it lacks {', '.join(named)}{more}; "
    )


def _compare(state: State, family: Family) -> _Candidate:
    keys = tuple(family.keys())
    shared = len(state.keys() & set(keys))
    sample = [] if shared else list(state)[:_SAMPLE]
    alike = sum(bool(difflib.get_close_matches(name, keys, 1, _ALIKE)) for name in sample)
    return _Candidate(shared, alike, shared / len(keys), family, keys)


def _with_lookalike(key: str, others: Sequence[str]) -> str:
    alike = difflib.get_close_matches(key, others, 1, _ALIKE)
    return f"{key} (it has {alike[0]})" if alike else key

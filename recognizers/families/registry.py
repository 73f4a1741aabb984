"""Which families there are, and which one a state dict belongs to."""

from __future__ import annotations

from recognizers.families import aster_pytorch, crnn_pytorch, dtrb_trba, dtrb_vgg, mmocr, parseq
from recognizers.families.family import Family, State
from recognizers.families.nearest import nearest_in_words
from segrec.core.errors import CheckpointError

FAMILIES = (
    crnn_pytorch.FAMILY,
    dtrb_vgg.FAMILY,
    dtrb_trba.FAMILY,
    parseq.FAMILY,
    aster_pytorch.FAMILY,
    mmocr.FAMILY,
)


def family_of(state: State, source: str) -> Family:
    """The family that `state` belongs to.

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

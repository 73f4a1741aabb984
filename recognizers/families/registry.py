"""Which families there are, and which one a state dict belongs to."""

from __future__ import annotations

from recognizers.families import aster_pytorch, crnn_pytorch, mmocr, parseq
from recognizers.families.family import Family, State
from recognizers.families.nearest import nearest_in_words
from segrec.core.errors import CheckpointError

FAMILIES = (
    crnn_pytorch.FAMILY,
    Family("deep-text-recognition-benchmark CRNN", ("FeatureExtraction.ConvNet.0.weight", "Prediction.weight")),
    Family(
        "deep-text-recognition-benchmark TPS-ResNet-BiLSTM-Attn",
        ("FeatureExtraction.ConvNet.conv0_1.weight", "Prediction.attention_cell.rnn.weight_ih"),
    ),
    parseq.FAMILY,
    aster_pytorch.FAMILY,
    mmocr.FAMILY,
)


def family_of(state: State, source: str) -> Family:
    """The family that this version can build from `state`.

    Raises:
        CheckpointError: no family fits (the nearest is named), or the one that does is not read by this version.
    """
    readable = ", ".join(family.name for family in FAMILIES if family.build)
    for family in FAMILIES:
        if family.recognise(state):
            if family.build is None:
                raise CheckpointError(
                    f"{source} is a checkpoint of {family.name}, not read by this version; give one of {readable}"
                )
            return family
    found = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in list(state.items())[:3])
    raise CheckpointError(
        f"{source} is of no known recognizer family: {nearest_in_words(state, FAMILIES)}it holds {len(state)} tensors, "
        f"first {found}; give one of {readable}"
    )

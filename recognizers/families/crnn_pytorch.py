"""Checkpoints of crnn.pytorch (`crnn.pth`, `netCRNN_*.pth`) and of networks with its module names."""

from __future__ import annotations

from recognizers.charset import ALNUM36, Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.families.crnn_shapes import crnn_from, crnn_keys
from recognizers.families.family import Family, State
from recognizers.families.report import LoadReport
from recognizers.preprocess import InputSpec


def build(state: State, charset: Charset | None, source: str) -> tuple[RecognizerNetwork, LoadReport]:
    """Return the CRNN as it is.

    Raises:
        CheckpointError: a tensor is missing, or the shapes make no CRNN.
    """
    return crnn_from(state, charset, source, family=FAMILY.name, spec=InputSpec(), known=(ALNUM36,))


FAMILY = Family(
    name="crnn.pytorch",
    signs=("cnn.conv0.weight", "cnn.conv2.bias", "rnn.1.embedding.weight"),
    build=build,
    keys=crnn_keys,
)

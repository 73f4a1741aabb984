"""Checkpoints of crnn.pytorch (`crnn.pth`, `netCRNN_*.pth`), and the CRNN that others with its module names make."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from recognizers.charset import ALNUM36, Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.crnn import CRNN
from recognizers.families.family import Family, State, charset_for, fill, shape_of, with_channels
from recognizers.families.report import Conversion, LoadReport
from recognizers.preprocess import InputSpec

NORMALISED = (2, 4, 6)
"""The convolutions with BatchNorm after them."""


def crnn_keys() -> list[str]:
    """Return the names of all tensors of a CRNN."""
    with torch.device("meta"):
        return list(CRNN().state_dict())


def crnn_from(
    state: State,
    charset: Charset | None,
    source: str,
    *,
    family: str,
    spec: InputSpec,
    known: Sequence[Charset],
    converted: Sequence[Conversion] = (),
) -> tuple[RecognizerNetwork, LoadReport]:
    """Return the CRNN of the widths, input channels and classes that the shapes tell, filled, and the report.

    Args:
        state: tensors under the names of `CRNN`.
        charset: given by the user.
        source: what to call the file in errors.
        family: what to call its format.
        spec: the format's input; its channels are replaced by the file's.
        known: charsets of the format's files.
        converted: what was done to `state` before.

    Raises:
        CheckpointError: a tensor is missing, or the shapes make no CRNN.
    """

    def shape(name: str, dimensions: int) -> tuple[int, ...]:
        return shape_of(state, name, dimensions, source=source, family=family)

    widths = [shape(f"cnn.conv{index}.weight", 4)[0] for index in range(7)]
    channels = shape("cnn.conv0.weight", 4)[1]
    hidden = shape("rnn.0.rnn.weight_hh_l0", 2)[1]
    classes = shape("rnn.1.embedding.weight", 2)[0]
    spec = with_channels(spec, channels, source=source)
    charset = charset_for(classes, charset, known, source)
    with torch.device("meta"):
        network = CRNN(charset=charset, input_spec=spec, widths=widths, hidden=hidden)
    return fill(network, state, source, converted=converted)


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

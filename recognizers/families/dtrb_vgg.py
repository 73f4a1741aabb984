"""Checkpoints of deep-text-recognition-benchmark's CRNN (`None-VGG-BiLSTM-CTC.pth`, trained with or without case)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from recognizers.charset import Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.dtrb import VggBiLstmCtc
from recognizers.dtrb.vgg import GREY
from recognizers.families.family import USUAL_CHARSETS, Family, State, charset_for, fill, shape_of, with_channels
from recognizers.families.report import LoadReport
from recognizers.preprocess import InputSpec

_CONVOLUTIONS = (0, 3, 6, 8, 11, 14, 18)


def build(state: State, charset: Charset | None, source: str) -> tuple[RecognizerNetwork, LoadReport]:
    """Return the network of the widths, input channels and classes that the file's shapes tell.

    Raises:
        CheckpointError: a tensor is missing, or the shapes make no such network.
    """
    return vgg_from(state, charset, source, family=FAMILY.name, spec=GREY, known=USUAL_CHARSETS)


def vgg_from(
    state: State, charset: Charset | None, source: str, *, family: str, spec: InputSpec, known: Sequence[Charset]
) -> tuple[RecognizerNetwork, LoadReport]:
    """Return the network that a state dict with the benchmark's names makes, whichever project it came from.

    Args:
        state: the file's tensors.
        charset: given by the user.
        source: what to call the file in errors.
        family: what to call its format.
        spec: the format's input; its channels are replaced by the file's.
        known: charsets of the format's files.

    Raises:
        CheckpointError: a tensor is missing, or the shapes make no such network.
    """

    def shape(name: str, dimensions: int) -> tuple[int, ...]:
        return shape_of(state, name, dimensions, source=source, family=family)

    convolutions = [shape(f"FeatureExtraction.ConvNet.{number}.weight", 4) for number in _CONVOLUTIONS]
    spec = with_channels(spec, convolutions[0][1], source=source)
    hidden = shape("SequenceModeling.0.rnn.weight_hh_l0", 2)[1]
    charset = charset_for(shape("Prediction.weight", 2)[0], charset, known, source)
    widths = [width for width, *_ in convolutions]
    with torch.device("meta"):
        network = VggBiLstmCtc(charset=charset, input_spec=spec, widths=widths, hidden=hidden)
    return fill(network, state, source)


def vgg_keys() -> list[str]:
    """Return the names of all tensors of such a network."""
    with torch.device("meta"):
        return list(VggBiLstmCtc().state_dict())


FAMILY = Family(
    name="deep-text-recognition-benchmark CRNN",
    signs=("FeatureExtraction.ConvNet.0.weight", "Prediction.weight"),
    build=build,
    keys=vgg_keys,
)

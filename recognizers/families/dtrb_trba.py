"""Checkpoints of deep-text-recognition-benchmark's TRBA (`TPS-ResNet-BiLSTM-Attn.pth`, with or without case)."""

from __future__ import annotations

import torch

from recognizers.charset import Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.dtrb import Trba
from recognizers.dtrb.vgg import GREY
from recognizers.families.family import USUAL_CHARSETS, Family, State, charset_for, fill, shape_of, with_channels
from recognizers.families.report import LoadReport

_KNOWN = tuple(charset.with_kind("go-first") for charset in USUAL_CHARSETS)
_DERIVED = "Transformation.GridGenerator."
_BACKBONE = "FeatureExtraction.ConvNet."
_LOCALISER = "Transformation.LocalizationNetwork."


def build(state: State, charset: Charset | None, source: str) -> tuple[RecognizerNetwork, LoadReport]:
    """Return the network of the widths, input channels and classes that the file's shapes tell.

    The spline's buffers are computed, whatever the file says of them.

    Raises:
        CheckpointError: a tensor is missing, or the shapes make no such network.
    """

    def shape(name: str, dimensions: int) -> tuple[int, ...]:
        return shape_of(state, name, dimensions, source=source, family=FAMILY.name)

    first = shape(_BACKBONE + "conv0_1.weight", 4)
    stages = [shape(f"{_BACKBONE}layer{number}.0.conv1.weight", 4)[0] for number in range(1, 5)]
    localiser = [shape(f"{_LOCALISER}conv.{number}.weight", 4) for number in (0, 4, 8, 12)]
    spec = with_channels(GREY, first[1], source=source)
    charset = charset_for(shape("Prediction.generator.weight", 2)[0], charset, _KNOWN, source)
    with torch.device("meta"):
        network = Trba(
            charset=charset,
            input_spec=spec,
            widths=[first[0], shape(_BACKBONE + "conv0_2.weight", 4)[0], *stages],
            hidden=shape("SequenceModeling.0.rnn.weight_hh_l0", 2)[1],
            localiser_widths=[width for width, *_ in localiser],
            points=shape(_LOCALISER + "localization_fc2.bias", 1)[0] // 2,
            mask_in_rectifier=localiser[0][1] == 4,
            grey_rectifier=localiser[0][1] == 1,
        )
    learned = {name: tensor for name, tensor in state.items() if not name.startswith(_DERIVED)}
    return fill(network, learned, source, derived=[name for name in state if name.startswith(_DERIVED)])


def _keys() -> list[str]:
    with torch.device("meta"):
        return list(Trba().state_dict())


FAMILY = Family(
    name="deep-text-recognition-benchmark TPS-ResNet-BiLSTM-Attn",
    signs=(_BACKBONE + "conv0_1.weight", "Prediction.attention_cell.rnn.weight_ih"),
    build=build,
    keys=_keys,
)

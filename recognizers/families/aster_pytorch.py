"""Checkpoints of aster.pytorch (`demo.pth.tar`, `model_best.pth.tar`)."""

from __future__ import annotations

import re
from typing import Any

import torch

from recognizers.aster import Aster
from recognizers.charset import Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.families.family import USUAL_CHARSETS, Family, State, charset_for, fill, shape_of, with_channels
from recognizers.families.report import LoadReport
from recognizers.preprocess import InputSpec

_SPEC = InputSpec(height=64, width=256, color="rgb")
_DERIVED = "tps."
_KNOWN = tuple(charset.with_kind("aster") for charset in USUAL_CHARSETS)


def build(state: State, charset: Charset | None, source: str) -> tuple[RecognizerNetwork, LoadReport]:
    """Return the ASTER of the widths, depths, input channels and classes that the file's shapes tell.

    The spline's buffers are computed, whatever the file says of them.

    Raises:
        CheckpointError: a tensor is missing, or the shapes make no ASTER.
    """

    def shape(name: str, dimensions: int) -> tuple[int, ...]:
        return shape_of(state, name, dimensions, source=source, family=FAMILY.name)

    first = shape("encoder.layer0.0.weight", 4)
    localiser = [shape(f"stn_head.stn_convnet.{index}.0.weight", 4) for index in range(0, 12, 2)]
    stages = [shape(f"encoder.layer{number}.0.conv1.weight", 4)[0] for number in range(1, 6)]
    spec = with_channels(_SPEC, first[1], source=source)
    sizes: dict[str, Any] = {
        "widths": [first[0], *stages],
        "blocks": [_blocks(state, number) for number in range(1, 6)],
        "hidden": shape("encoder.rnn.weight_hh_l0", 2)[1],
        "state": shape("decoder.decoder.gru.weight_hh_l0", 2)[1],
        "localiser_widths": [width for width, *_ in localiser],
        "localiser_hidden": shape("stn_head.stn_fc1.0.weight", 2)[0],
        "points": shape("stn_head.stn_fc2.bias", 1)[0] // 2,
    }
    charset = charset_for(shape("decoder.decoder.fc.weight", 2)[0], charset, _KNOWN, source)
    with torch.device("meta"):
        network = Aster(charset=charset, input_spec=spec, mask_in_rectifier=localiser[0][1] == 4, **sizes)
    learned = {name: tensor for name, tensor in state.items() if not name.startswith(_DERIVED)}
    return fill(network, learned, source, derived=[name for name in state if name.startswith(_DERIVED)])


def _blocks(state: State, number: int) -> int:
    return len({match[1] for name in state if (match := re.match(rf"encoder\.layer{number}\.(\d+)\.", name))})


def _keys() -> list[str]:
    with torch.device("meta"):
        return list(Aster().state_dict())


FAMILY = Family(
    name="aster.pytorch",
    signs=("encoder.layer0.0.weight", "decoder.decoder.tgt_embedding.weight"),
    build=build,
    keys=_keys,
)

"""The CRNN of parseq (`crnn-*.pt`, Lightning's `.ckpt`): no biases before BatchNorm, `linear` for `embedding`."""

from __future__ import annotations

import torch
from torch import Tensor

from recognizers.charset import Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.families.crnn_pytorch import NORMALISED, crnn_from, crnn_keys
from recognizers.families.family import USUAL_CHARSETS, Family, State
from recognizers.families.report import Conversion, LoadReport
from recognizers.preprocess import InputSpec

_SPEC = InputSpec(width=128, color="rgb", interpolation="bicubic")
_BIASES = tuple(f"cnn.conv{index}.bias" for index in NORMALISED)
_ZEROS = "zero, as this format has no bias where BatchNorm's follows"


def build(state: State, charset: Charset | None, source: str) -> tuple[RecognizerNetwork, LoadReport]:
    """Return the CRNN with zeros for the biases that the file has no need of.

    Raises:
        CheckpointError: a tensor is missing, or the shapes make no CRNN.
    """
    renamed: dict[str, Tensor] = {name.replace(".linear.", ".embedding."): tensor for name, tensor in state.items()}
    absent = tuple(name for name in _BIASES if name not in renamed)
    for name in absent:
        weight = renamed.get(name.replace(".bias", ".weight"))
        renamed[name] = torch.zeros(0 if weight is None or not weight.ndim else weight.shape[0])
    return crnn_from(
        renamed,
        charset,
        source,
        family=FAMILY.name,
        spec=_SPEC,
        known=USUAL_CHARSETS,
        converted=(Conversion(_ZEROS, absent),) if absent else (),
    )


def _keys() -> list[str]:
    return [name.replace(".embedding.", ".linear.") for name in crnn_keys() if name not in _BIASES]


FAMILY = Family(name="parseq CRNN", signs=("cnn.conv0.weight", "rnn.1.linear.weight"), build=build, keys=_keys)

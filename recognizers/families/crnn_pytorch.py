"""Checkpoints of crnn.pytorch (`crnn.pth`, `netCRNN_*.pth`) and of networks with its module names."""

from __future__ import annotations

import torch
from torch import nn

from recognizers.charset import ALNUM36, Charset
from recognizers.crnn import CRNN
from recognizers.families.family import Family, LoadReport, State, charset_for, fill
from recognizers.preprocess import InputSpec
from segrec.core.errors import CheckpointError

_INPUTS = {1: InputSpec(), 3: InputSpec(color="rgb"), 4: InputSpec(color="rgb", mask=True)}


def build(state: State, charset: Charset | None, source: str) -> tuple[nn.Module, LoadReport]:
    """The CRNN of the widths, input channels and classes that the file's shapes tell.

    Raises:
        CheckpointError: a tensor is missing, or the shapes make no CRNN.
    """
    widths = [_shape(state, f"cnn.conv{index}.weight", 4, source)[0] for index in range(7)]
    channels = _shape(state, "cnn.conv0.weight", 4, source)[1]
    hidden = _shape(state, "rnn.0.rnn.weight_hh_l0", 2, source)[1]
    classes = _shape(state, "rnn.1.embedding.weight", 2, source)[0]
    if channels not in _INPUTS:
        raise CheckpointError(
            f"{source} takes {channels} input channels; a CRNN takes 1 (grey), 3 (RGB) or 4 (RGB + mask)"
        )
    charset = charset_for(classes, charset, (ALNUM36,), source)
    with torch.device("meta"):
        network = CRNN(charset=charset, input_spec=_INPUTS[channels], widths=widths, hidden=hidden)
    return fill(network, state, source)


def _shape(state: State, name: str, dimensions: int, source: str) -> tuple[int, ...]:
    shape = tuple(state[name].shape) if name in state else None
    if shape is None or len(shape) != dimensions or 0 in shape:
        found = "is missing" if shape is None else f"has shape {shape}"
        raise CheckpointError(f"{source} looks like crnn.pytorch, but {name} {found}; give the whole state dict")
    return shape


FAMILY = Family(
    name="crnn.pytorch", signs=("cnn.conv0.weight", "cnn.conv2.bias", "rnn.1.embedding.weight"), build=build
)

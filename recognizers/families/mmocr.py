"""The CRNN of mmocr (`crnn_mini-vgg_*.pth`): two parts with names of their own, the blank as the last class."""

from __future__ import annotations

from torch import Tensor

from recognizers.charset import ALNUM36, Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.families.crnn_pytorch import crnn_from, crnn_keys
from recognizers.families.family import Family, State
from recognizers.families.report import Conversion, LoadReport
from recognizers.preprocess import InputSpec

_SPEC = InputSpec(mean=127, deviation=127, keep_ratio=True)
_PARTS = {"backbone.cnn.": "cnn.", "decoder.decoder.": "rnn."}
_HEAD = ("rnn.1.embedding.weight", "rnn.1.embedding.bias")
_ROLLED = "the last class, the blank, moved to the front"


def build(state: State, charset: Charset | None, source: str) -> tuple[RecognizerNetwork, LoadReport]:
    """Return the CRNN with its head's classes in our order.

    Raises:
        CheckpointError: a tensor is missing, or the shapes make no CRNN.
    """
    renamed = {_our_name(name): tensor for name, tensor in state.items()}
    rolled = tuple(name for name in _HEAD if name in renamed)
    for name in rolled:
        renamed[name] = _blank_first(renamed[name])
    return crnn_from(
        renamed,
        charset,
        source,
        family=FAMILY.name,
        spec=_SPEC,
        known=(ALNUM36,),
        converted=(Conversion(_ROLLED, rolled),),
    )


def _our_name(name: str) -> str:
    for theirs, ours in _PARTS.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def _blank_first(head: Tensor) -> Tensor:
    return head.roll(1, dims=0) if head.ndim else head


def _keys() -> list[str]:
    ours_to_theirs = {ours: theirs for theirs, ours in _PARTS.items()}
    return [name.replace(part, ours_to_theirs[part], 1) for name in crnn_keys() for part in (name[:4],)]


FAMILY = Family(
    name="mmocr CRNN",
    signs=("backbone.cnn.conv0.weight", "decoder.decoder.1.embedding.weight"),
    build=build,
    keys=_keys,
)

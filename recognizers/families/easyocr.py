"""EasyOCR's recognizers of the second generation (`english_g2.pth`, `latin_g2.pth`): the benchmark's CRNN, slimmer."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from recognizers.charset import Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.families.dtrb_vgg import vgg_from, vgg_keys
from recognizers.families.family import USUAL_CHARSETS, Family, State
from recognizers.families.report import LoadReport
from recognizers.preprocess import InputSpec

EASYOCR = InputSpec(height=64, width=512, interpolation="opencv-bilinear", keep_ratio=True, padding="edge")
_FIRST, _HEAD = "FeatureExtraction.ConvNet.0.weight", "Prediction.weight"
_FIRST_MAPS = 32
"""The benchmark's own files have 64."""


def build(state: State, charset: Charset | None, source: str) -> tuple[RecognizerNetwork, LoadReport]:
    """Return the network of the widths, input channels and classes that the file's shapes tell.

    Raises:
        CheckpointError: a tensor is missing, or the shapes make no such network.
    """
    known = tuple(character_tables().values())
    return vgg_from(state, charset, source, family=FAMILY.name, spec=EASYOCR, known=known)


@cache
def character_tables() -> dict[str, Charset]:
    """Return the characters of EasyOCR's files in their class order, by file name; no two files have equally many.

    They are those of EasyOCR 1.7.2 (`recognition_models` in its `config.py`).
    """
    lines = (files("recognizers.families") / "easyocr_characters.tsv").read_text(encoding="utf-8").split("\n")
    rows = (line.split("\t") for line in lines if line)
    return {name: Charset(characters) for name, characters in rows}


def _shaped(state: State) -> bool:
    """Return whether the first layer is as slim as EasyOCR's, unless the head is one of the benchmark's."""
    first, head = state[_FIRST], state[_HEAD]
    usual = {charset.classes for charset in USUAL_CHARSETS}
    return first.ndim == 4 and first.shape[0] == _FIRST_MAPS and head.ndim > 0 and head.shape[0] not in usual


FAMILY = Family(name="EasyOCR", signs=(_FIRST, _HEAD), build=build, keys=vgg_keys, shaped=_shaped)

"""The networks that see a crop of one word: a recognizer with or without a segmenter, or one graph of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recognizers.decoding import Placed, placed
from recognizers.lexicon import Lexicon
from recognizers.metrics import normalise_label
from recognizers.nearest_words import nearest_readings
from recognizers.onnx_predictor import OnnxCropReader
from recognizers.word_reader import WordReader
from segmenter.mask_predictor import MaskPredictor
from segrec.core.errors import ConfigError
from segrec.core.images import Array
from segrec.data.masks.predicted import as_stored, mask_bytes

if TYPE_CHECKING:
    from recognizers.predictor import Recognizer

Masks = list[NDArray[np.float32]]


class TwoNetworks(NamedTuple):
    """A recognizer, with or without a mask channel, and the segmenter of its masks."""

    recognizer: WordReader
    segmenter: MaskPredictor

    def read(self, images: Sequence[Array], batch_size: int, lexicon: Lexicon | None) -> tuple[list[Placed], Masks]:
        """Return the readings and the masks, each at least of its crop's size, of at least one crop."""
        masks = self.segmenter.predict_detailed_text(images, batch_size=batch_size)
        channel = [as_channel(mask) for mask in masks] if self.recognizer.needs_mask else None
        return self.recognizer.read_placed(images, channel, batch_size=batch_size, lexicons=lexicon), masks

    def text_masks(self, images: Sequence[Array]) -> Masks:
        """Return the text masks of crops, (H, W) float32 in [0, 1]."""
        return self.segmenter.predict_text(images)


class RecognizerAlone(NamedTuple):
    """A recognizer without a mask channel and without a segmenter, for speed."""

    recognizer: WordReader

    def read(self, images: Sequence[Array], batch_size: int, lexicon: Lexicon | None) -> tuple[list[Placed], Masks]:
        """Return the readings of crops, and masks of zeros."""
        masks: Masks = [np.zeros(image.shape[:2], np.float32) for image in images]
        return self.recognizer.read_placed(images, batch_size=batch_size, lexicons=lexicon), masks

    def text_masks(self, images: Sequence[Array]) -> Masks:
        """Refuse: only a segmenter predicts masks."""
        raise ConfigError("this reader has no segmenter, and so no text masks; open it with one")


class OneGraph(NamedTuple):
    """One graph from pixels of crops to readings and masks."""

    network: OnnxCropReader

    def read(self, images: Sequence[Array], batch_size: int, lexicon: Lexicon | None) -> tuple[list[Placed], Masks]:
        """Return the readings and the masks of crops."""
        found = self.network.read(images, batch_size=batch_size)
        readings = [reading for reading, _ in found]
        if lexicon is not None:
            readings = nearest_readings(readings, [lexicon] * len(readings))
        return placed(readings, None), [mask for _, mask in found]

    def text_masks(self, images: Sequence[Array]) -> Masks:
        """Return the text masks of crops, (H, W) float32 in [0, 1]."""
        return [mask for _, mask in self.network.read(images)]


def explainable(
    networks: TwoNetworks | RecognizerAlone | OneGraph, image: Array
) -> tuple[Recognizer, Array, Array | None]:
    """Return the recognizer that reads a crop, the crop, and its mask if the recognizer needs one.

    Raises:
        ConfigError: the recognizer is in ONNX, which does not say how it reads.
    """
    from recognizers.predictor import Recognizer

    recognizer = None if isinstance(networks, OneGraph) else networks.recognizer
    if not isinstance(recognizer, Recognizer):
        raise ConfigError("networks in ONNX do not say how they read; explain with Reader.from_pretrained")
    mask = None
    if recognizer.needs_mask and isinstance(networks, TwoNetworks):
        mask = as_channel(networks.segmenter.predict_detailed_text([image])[0])
    return recognizer, image, mask


def as_channel(mask: NDArray[np.float32]) -> Array:
    """Return a mask in [0, 1] as recognizers are given it: uint8, in the levels that a mask store keeps."""
    return as_stored(mask_bytes(mask))


def as_lexicon(given: Lexicon | Sequence[str] | None) -> Lexicon | None:
    """Return a lexicon; a list of words is compared by letters and digits alone, whatever their case."""
    if given is None or isinstance(given, Lexicon):
        return given
    if isinstance(given, str):
        raise ValueError(f"a lexicon must be a list of words, got the text {given!r}; a file's is Lexicon.from_file")
    return Lexicon(given, normalise_label)

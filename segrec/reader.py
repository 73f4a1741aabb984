"""Networks by name, and reading words with a text mask: the API for any OCR pipeline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recognizers.lexicon import Lexicon
from recognizers.loading import load_pretrained
from recognizers.metrics import normalise_label
from recognizers.predictor import Recognizer
from segmenter import predictor
from segmenter.loading import load_segmenter
from segmenter.preprocess import as_rgb, rescale
from segrec.core.images import Array
from segrec.core.polygons import cut_region
from segrec.data.masks.predicted import as_stored, mask_bytes
from segrec.reports.explanation import Explanation, explain_reading
from segrec.weights import READER, SEGMENTER, resolve_weights


class Segmenter(predictor.Segmenter):
    """A segmenter that can be had by name; `predict` and its options are those of `segmenter.Segmenter`."""

    @classmethod
    def from_pretrained(cls, weights: str | os.PathLike[str] = SEGMENTER, **options: Any) -> Segmenter:
        """Return the segmenter of a shipped name, a run directory or a weights file.

        Args:
            weights: what to load.
            options: `device` ("auto" by default), `amp`, `working_height`, `scene_height`, `longest_side`, `scales`,
                `tile_side`.

        Raises:
            CheckpointError: there is no such file, or it holds no segmenter.
        """
        options.setdefault("device", "auto")
        return cls(load_segmenter(resolve_weights(weights)), **options)


def open_recognizer(
    weights: str | os.PathLike[str], *, device: str = "auto", amp: str = "off", beam: int | None = None
) -> Recognizer:
    """Return the recognizer of a shipped name, a run directory, a weights file or a public checkpoint.

    Raises:
        CheckpointError: there is no such file, or no recognizer that segrec knows fits it.
        ConfigError: the beam keeps no prefix, or too many.
    """
    return Recognizer(load_pretrained(resolve_weights(weights)), device=device, amp=amp, beam=beam)


class Word(NamedTuple):
    """One word as read.

    Attributes:
        text: what it says; empty when nothing was found.
        confidence: in [0, 1].
        character_confidences: in [0, 1], one per character.
        mask: (H, W) float32 in [0, 1], the text mask at the crop's size.
    """

    text: str
    confidence: float
    character_confidences: tuple[float, ...]
    mask: NDArray[np.float32]


class Reader:
    """Reads word crops: a segmenter predicts each crop's text mask, a recognizer reads crop and mask.

    Args:
        recognizer: with or without a mask channel.
        segmenter: takes every picture for a word crop (`scene_height=None`).
    """

    def __init__(self, recognizer: Recognizer, segmenter: Segmenter) -> None:
        self._recognizer = recognizer
        self._segmenter = segmenter

    @classmethod
    def from_pretrained(
        cls,
        weights: str | os.PathLike[str] = READER,
        *,
        segmenter: str | os.PathLike[str] = SEGMENTER,
        device: str = "auto",
        amp: str = "off",
        beam: int | None = None,
    ) -> Reader:
        """Return a reader; without arguments it uses the shipped weights.

        Args:
            weights: shipped name, run directory, weights file or public checkpoint of the recognizer.
            segmenter: the same for the segmenter.
            device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
            amp: `off`, `bf16` or `fp16`.
            beam: prefixes that a beam search keeps; None reads greedily.

        Raises:
            CheckpointError: weights are missing or do not fit.
            ConfigError: the device is unknown or absent, or the beam keeps no prefix.
        """
        recognizer = open_recognizer(weights, device=device, amp=amp, beam=beam)
        return cls(recognizer, Segmenter.from_pretrained(segmenter, device=device, amp=amp, scene_height=None))

    def read(
        self, crops: Sequence[Array], *, batch_size: int = 64, lexicon: Lexicon | Sequence[str] | None = None
    ) -> list[Word]:
        """Return one `Word` a crop, in order; `[]` gives `[]`.

        Args:
            crops: (H, W, 3) uint8 RGB pictures of one word each; grey (H, W) and RGBA are accepted.
            batch_size: crops a forward pass.
            lexicon: of which each reading becomes a word; a list of words is compared by letters and digits alone,
                whatever their case.

        Raises:
            DataError: the lexicon holds no word.
            ValueError: a crop is not such an array, `crops` is one array rather than a list of them, or the lexicon is
                a text.
        """
        if isinstance(crops, np.ndarray):
            raise ValueError(f"crops must be a list of pictures, got one array {crops.shape}; wrap it as [crop]")
        images = [as_rgb(crop, position) for position, crop in enumerate(crops)]
        if not images:
            return []
        masks = self._segmenter.predict_detailed_text(images, batch_size=batch_size)
        channel = [_levels(mask) for mask in masks] if self._recognizer.needs_mask else None
        readings = self._recognizer.read(images, channel, batch_size=batch_size, lexicons=_lexicon(lexicon))
        own = (rescale(mask, (image.shape[0], image.shape[1])) for mask, image in zip(masks, images, strict=True))
        return [Word(*reading, mask) for reading, mask in zip(readings, own, strict=True)]

    def explain(self, crop: Array) -> Explanation:
        """Return how one crop is read greedily; `segrec.draw_reading` makes a picture of it.

        Args:
            crop: (H, W, 3) uint8 RGB picture of one word; grey (H, W) and RGBA are accepted.

        Raises:
            ValueError: the crop is not such an array.
        """
        image = as_rgb(crop, 0)
        mask = _levels(self._segmenter.predict_detailed_text([image])[0]) if self._recognizer.needs_mask else None
        return explain_reading(self._recognizer, image, mask)

    def read_regions(self, image: Array, polygons: Sequence[NDArray[Any]], *, batch_size: int = 64) -> list[Word]:
        """Return one `Word` a polygon of a picture, in order; `[]` gives `[]`.

        Each region is straightened first, see `segrec.core.polygons.cut_region`. A polygon thinner than half a pixel
        gives an empty text with confidence 0 and a mask of one pixel.

        Args:
            image: (H, W, 3) uint8 RGB; grey (H, W) and RGBA are accepted.
            polygons: (P, 2) x and y in pixels, P >= 4, from any detector.

        Raises:
            ValueError: the picture or a polygon has another shape.
        """
        picture = as_rgb(image, 0)
        crops = [_cut(picture, polygon, number) for number, polygon in enumerate(polygons)]
        words = iter(self.read([crop for crop in crops if crop is not None], batch_size=batch_size))
        nothing = Word("", 0.0, (), np.zeros((1, 1), dtype=np.float32))
        return [nothing if crop is None else next(words) for crop in crops]


def _lexicon(given: Lexicon | Sequence[str] | None) -> Lexicon | None:
    if given is None or isinstance(given, Lexicon):
        return given
    if isinstance(given, str):
        raise ValueError(f"a lexicon must be a list of words, got the text {given!r}; a file's is Lexicon.from_file")
    return Lexicon(given, normalise_label)


def _levels(mask: NDArray[np.float32]) -> Array:
    """Return a mask in [0, 1] as recognizers are given it."""
    return as_stored(mask_bytes(mask))


def _cut(picture: Array, polygon: NDArray[Any], number: int) -> Array | None:
    try:
        return cut_region(picture, polygon)
    except ValueError as error:
        raise ValueError(f"polygon {number}: {error}") from error

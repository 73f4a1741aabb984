"""Networks by name, and reading words and pages with a text mask: the API for any OCR pipeline.

PyTorch is imported with the first network that needs it; those in ONNX do without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recognizers.lexicon import Lexicon
from recognizers.onnx_predictor import OnnxCropReader, open_onnx
from recognizers.word_reader import WordReader
from segmenter.mask_predictor import MaskPredictor
from segmenter.onnx_predictor import OnnxSegmenter
from segrec.core.errors import ConfigError
from segrec.core.images import Array
from segrec.pages.crop_networks import OneGraph, RecognizerAlone, TwoNetworks, as_lexicon, explainable
from segrec.pages.detector_results import regions_of
from segrec.pages.finder import Finding
from segrec.pages.levels import find_in_levels
from segrec.pages.lines import words_of_lines
from segrec.pages.named_networks import Segmenter, open_recognizer
from segrec.pages.page_masks import cut_regions, page_mask
from segrec.pages.pictures import Picture, as_picture, as_pictures
from segrec.pages.quadrangles import Points
from segrec.pages.reading_order import reading_order
from segrec.pages.regions import as_polygons
from segrec.pages.tiled_mask import TiledMask
from segrec.pages.trials import Trial, in_picture, surest_trials, words_of_trials
from segrec.pages.turns import Turns, check_turns, turn, turns_of
from segrec.pages.word import Word
from segrec.weights import FINDER, READER, SEGMENTER, resolve_onnx

if TYPE_CHECKING:
    from segrec.reports.explanation import Explanation

__all__ = ["Reader", "Segmenter", "Word", "open_recognizer"]


class Reader:
    """Reads words and pages: a segmenter predicts each crop's text mask, a recognizer reads crop and mask.

    Args:
        recognizer: with or without a mask channel.
        segmenter: takes every picture for a word crop (`scene_height=None`). None where the recognizer is one graph of
            both networks, or to read without masks: those of the words are then 0 everywhere.
        finder: gives the mask network that finds the words of photographs; None takes the segmenter.

    Raises:
        ConfigError: the recognizer has a mask channel and there is no segmenter.
    """

    def __init__(
        self,
        recognizer: WordReader | OnnxCropReader,
        segmenter: MaskPredictor | None,
        *,
        finder: Callable[[], MaskPredictor] | None = None,
    ) -> None:
        self._finder = finder or (None if segmenter is None else lambda: segmenter)
        self._networks: TwoNetworks | RecognizerAlone | OneGraph
        if isinstance(recognizer, OnnxCropReader):
            self._networks = OneGraph(recognizer)
        elif segmenter is not None:
            self._networks = TwoNetworks(recognizer, segmenter)
        elif recognizer.needs_mask:
            raise ConfigError("a recognizer with a mask channel needs a segmenter beside it; only others read without")
        else:
            self._networks = RecognizerAlone(recognizer)

    @classmethod
    def from_pretrained(
        cls,
        weights: str | os.PathLike[str] = READER,
        *,
        segmenter: str | os.PathLike[str] | None = SEGMENTER,
        device: str = "auto",
        amp: str = "off",
        beam: int | None = None,
        temperature: float | None = None,
    ) -> Reader:
        """Return a reader; without arguments it uses the shipped weights.

        Args:
            weights: the recognizer's: shipped name, run, weights file, public checkpoint or `hf-hub:owner/name`.
            segmenter: the same for the segmenter; None reads without masks, with a recognizer that has no mask channel.
            device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
            amp: `off`, `bf16` or `fp16`.
            beam: prefixes that a beam search keeps; None reads greedily.
            temperature: by which logits are divided before a greedy reading, for confidences that are right as often as
                they say; None takes the one that the weights' header names, or 1.

        Raises:
            CheckpointError: weights are missing or do not fit.
            ConfigError: the device is unknown or absent, the beam keeps no prefix, the temperature is not above 0, or a
                recognizer with a mask channel has no segmenter.
        """
        recognizer = open_recognizer(weights, device=device, amp=amp, beam=beam, temperature=temperature)
        if segmenter is None:
            return cls(recognizer, None)
        return cls(recognizer, Segmenter.from_pretrained(segmenter, device=device, amp=amp, scene_height=None))

    @classmethod
    def from_onnx(
        cls,
        model: str | os.PathLike[str],
        *,
        segmenter: str | os.PathLike[str] | None = SEGMENTER,
        finder: str | os.PathLike[str] = FINDER,
        threads: int | None = None,
    ) -> Reader:
        """Return a reader in onnxruntime, without PyTorch; it reads greedily, and lexicons give the nearest word.

        Args:
            model: an `.onnx` file that `segrec export` wrote: a recognizer, or one graph of both networks.
            segmenter: shipped name or `.onnx` file of the mask network; one graph of both needs none. None as for
                `from_pretrained`. `mgnet-slim-int8` takes half the time.
            finder: the same of one that finds words in photographs (`segrec export --region`), opened for the first.
            threads: of one run of a network; None lets onnxruntime take all cores.

        Raises:
            LibraryError: onnxruntime is not installed.
            CheckpointError: a file is missing, damaged or of another kind.
            ConfigError: a recognizer with a mask channel has no segmenter.
        """
        recognizer = open_onnx(model, threads=threads)
        opened = cache(partial(OnnxSegmenter, resolve_onnx(finder), threads=threads))
        if segmenter is None or isinstance(recognizer, OnnxCropReader):
            return cls(recognizer, None, finder=opened)
        return cls(recognizer, OnnxSegmenter(resolve_onnx(segmenter), threads=threads), finder=opened)

    def read(
        self,
        crops: Sequence[Picture],
        *,
        batch_size: int = 64,
        lexicon: Lexicon | Sequence[str] | None = None,
        turns: Turns = "auto",
    ) -> list[Word]:
        """Return one `Word` per crop, in order; `[]` gives `[]`.

        Args:
            crops: pictures of one word each: (H, W, 3) uint8 RGB arrays, grey (H, W) or RGBA ones, Pillow pictures,
                paths, encoded bytes or tensors, see `segrec.pages.pictures.as_picture`.
            batch_size: crops per forward pass.
            lexicon: of which each reading becomes a word; a list is compared by letters and digits, whatever the case.
            turns: "auto" reads crops that are much higher than wide also turned by a quarter either way; degrees
                (anticlockwise) are tried on every crop; None reads crops as they are. The surest reading is taken.

        Raises:
            ConfigError: turns are none of these.
            DataError: the lexicon holds no word, or a file or bytes cannot be read.
            ValueError: a crop is not such a picture, `crops` is one and not a list, or the lexicon is a text.
        """
        check_turns(turns)
        images = as_pictures(crops)
        owners = [place for place, image in enumerate(images) for _ in turns_of(image.shape[:2], turns)]
        turned = [turn(image, degrees) for image in images for degrees in turns_of(image.shape[:2], turns)]
        words = as_lexicon(lexicon)
        if not images:
            return []
        found, masks = self._networks.read([one.image for one in turned], batch_size, words)
        chosen = zip(surest_trials(owners, found), images, strict=True)
        return words_of_trials([Trial(found[best], masks[best], turned[best], one.shape[:2]) for best, one in chosen])

    def explain(self, crop: Picture) -> Explanation:
        """Return how one crop is read greedily; `segrec.draw_reading` makes a picture of it.

        Args:
            crop: one picture as for `read`.

        Raises:
            ConfigError: the recognizer is in ONNX.
            DataError: a file or bytes cannot be read.
            ValueError: the crop is not such a picture.
        """
        from segrec.reports.explanation import explain_reading

        return explain_reading(*explainable(self._networks, as_picture(crop)))

    def read_regions(
        self,
        image: Picture,
        polygons: Sequence[Any] | NDArray[Any],
        *,
        batch_size: int = 64,
        lexicon: Lexicon | Sequence[str] | None = None,
        turns: Turns = "auto",
    ) -> list[Word]:
        """Return one `Word` per region of a picture, in order; `[]` gives `[]`.

        Each region is straightened first, see `segrec.core.polygons.cut_region`. One thinner than half a pixel gives an
        empty text with confidence 0 and a mask of one pixel.

        Args:
            image: one picture as for `read`.
            polygons: (P, 2) outlines, boxes or rows of numbers in pixels, or as shares of the picture's sides, as
                `segrec.pages.regions.as_polygons` understands them.
            batch_size: see `read`.
            lexicon: see `read`.
            turns: see `read`.

        Raises:
            DataError: the regions have more than 32 megapixels together.
            ValueError: the picture or a region is nothing of these; for others see `read`.
        """
        picture = as_picture(image)
        outlines = as_polygons(polygons, (picture.shape[0], picture.shape[1]))
        crops = cut_regions(picture, outlines)
        given = [crop for crop in crops if crop is not None]
        words = iter(self.read(given, batch_size=batch_size, lexicon=lexicon, turns=turns))
        nothing = Word("", 0.0, (), np.zeros((1, 1), dtype=np.float32))
        return [
            nothing._replace(polygon=outline) if crop is None else in_picture(next(words), outline)
            for crop, outline in zip(crops, outlines, strict=True)
        ]

    def read_page(
        self,
        image: Picture,
        detector: Callable[[Array], Any] | None = None,
        *,
        batch_size: int = 64,
        lexicon: Lexicon | Sequence[str] | None = None,
        finding: Finding | None = None,
        lines: bool = False,
    ) -> list[Word]:
        """Return the words of a photograph, each with its `.polygon`, in reading order.

        Args:
            image: one picture as for `read`.
            detector: given the picture, (H, W, 3) uint8 RGB, returns regions, as `read_regions` takes them or as
                RapidOCR, docTR and EasyOCR return them, see `segrec.pages.detector_results.regions_of`. None finds
                words by the region map, and leaves out those read as nothing or less surely than `Finding.confidence`.
            batch_size: see `read`.
            lexicon: see `read`.
            finding: thresholds of the own finder; None takes the default ones.
            lines: whether the detector gives lines, as RapidOCR and EasyOCR do, to be cut into words by the text mask.

        Raises:
            ValueError: the picture is none, or the detector returned no such regions; for others see `read`.
        """
        picture = as_picture(image)
        chosen = finding or Finding()
        regions = self._find(picture, detector, chosen)
        if lines and detector is not None:
            regions = words_of_lines(self._networks.text_masks, picture, regions, finding=chosen)
        words = self.read_regions(picture, regions, batch_size=batch_size, lexicon=lexicon)
        if detector is None:
            words = [word for word in words if word.text and word.confidence >= chosen.confidence]
        return [words[place] for place in reading_order([word.polygon for word in words if word.polygon is not None])]

    def text_mask(
        self,
        image: Picture,
        polygons: Sequence[Any] | NDArray[Any] | None = None,
        *,
        detector: Callable[[Array], Any] | None = None,
    ) -> NDArray[np.float32]:
        """Return the text mask (H, W) float32 in [0, 1] of a picture's words, each seen as a crop of its own.

        A crop is seen finer than a photograph, and what lies outside all words is 0. Nothing is read, so words in any
        script count.

        Args:
            image: one picture as for `read`.
            polygons: regions of the words as for `read_regions`; None finds them.
            detector: what finds them, as for `read_page`.

        Raises:
            ValueError: as for `read_regions`.
        """
        return self.tiled_text_mask(as_picture(image), polygons, detector=detector)[:, :]

    def tiled_text_mask(
        self,
        picture: Array,
        polygons: Sequence[Any] | NDArray[Any] | None = None,
        *,
        detector: Callable[[Array], Any] | None = None,
    ) -> TiledMask:
        """Return what `text_mask` does, in tiles where text is, for large pictures; for errors see there."""
        regions = self._find(picture, detector, Finding()) if polygons is None else polygons
        outlines = as_polygons(regions, (picture.shape[0], picture.shape[1]))
        return page_mask(self._networks.text_masks, picture, outlines)

    def _find(self, picture: Array, detector: Callable[[Array], Any] | None, finding: Finding) -> list[Points]:
        if detector is not None:
            return regions_of(detector(picture), (picture.shape[0], picture.shape[1]))
        if self._finder is None:
            raise ConfigError("no segmenter to find words; name a detector, or give the words' polygons")
        return find_in_levels(self._finder(), picture, finding)

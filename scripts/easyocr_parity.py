"""EasyOCR's own recognizer on word crops, step by step as its `Reader.recognize` takes them, beside this project's."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recognizers import Recognizer, ctc_greedy, load_pretrained
from recognizers.preprocess import normalise, prepare
from segrec.core.images import Array
from segrec.data.words import WordLmdb

TOLERANCE = 3e-4
NETWORK = {"input_channel": 1, "output_channel": 256, "hidden_size": 256}


class EasyOcr:
    """The recognizer of the installed package `easyocr`, in float32: on a CPU it quantises its networks otherwise.

    Args:
        weights: one of its files of the second generation, under its own name.
    """

    def __init__(self, weights: Path) -> None:
        try:
            self._utils, self._recognition, config = (
                importlib.import_module(f"easyocr.{name}") for name in ("utils", "recognition", "config")
            )
        except ImportError as error:
            raise SystemExit(f"this compares with the package easyocr ({error}); pip install easyocr") from error
        entries = config.recognition_models["gen2"].values()
        self._characters = next(one["characters"] for one in entries if one["filename"] == weights.name)
        self.network, self._converter = self._recognition.get_recognizer(
            "generation2", NETWORK, self._characters, {}, {}, str(weights), quantize=False
        )
        self.network.eval()

    def input(self, crop: Array) -> Tensor:
        """Return the network's input (1, 1, 64, W) of an (H, W, 3) uint8 RGB crop."""
        images, width = self._images(crop)
        collate = self._recognition.AlignCollate(imgH=64, imgW=width, keep_ratio_with_pad=True)
        return torch.as_tensor(collate(self._recognition.ListDataset([picture for _, picture in images])))

    def text(self, crop: Array, *, contrast: float = 0.0) -> str:
        """Return what it reads greedily; with `contrast` 0.1, its default, doubtful crops are read again, sharpened."""
        return self.texts([crop], batch_size=1, contrast=contrast)[0]

    def texts(self, crops: Sequence[Array], *, batch_size: int, contrast: float = 0.0) -> list[str]:
        """Return what it reads, as `text`, of crops that are filled up to the widest of them."""
        prepared = [self._images(crop) for crop in crops]
        images, width = [picture for pictures, _ in prepared for picture in pictures], max(wide for _, wide in prepared)
        found = self._recognition.get_text(
            self._characters,
            64,
            width,
            self.network,
            self._converter,
            images,
            batch_size=batch_size,
            workers=0,
            contrast_ths=contrast,
        )
        return [str(text) for _, text, _ in found]

    def _images(self, crop: Array) -> tuple[list[Any], int]:
        _, grey = self._utils.reformat_input(np.ascontiguousarray(crop[:, :, ::-1]))
        height, width = grey.shape
        images, widest = self._utils.get_image_list([[0, width, 0, height]], [], grey, model_height=64)
        return images, int(widest)


@torch.inference_mode()
def agrees_with_easyocr(weights: Path, words: Path, count: int) -> bool:
    """Print how logits and readings of `count` words compare, and return whether they agree.

    Logits are compared on EasyOCR's own inputs, readings from the crops on.
    """
    theirs, ours = EasyOcr(weights), load_pretrained(weights)
    spec: Any = ours.input_spec
    crops = [word.image for word in islice(iter(WordLmdb(words)), count) if word.image is not None]
    logits, levels, same_input = 0.0, 0.0, 0
    texts, read_again = [], 0
    for crop in crops:
        given = theirs.input(crop)
        expected, found = theirs.network(given, None), ours(given)
        logits = max(logits, float((expected - found).abs().max()))
        mine = normalise(torch.from_numpy(prepare(crop, None, spec))[None], spec)
        levels = max(levels, float((mine - given).abs().max() * 127.5) if mine.shape == given.shape else np.inf)
        same_input += ctc_greedy(found, ours.charset)[0].text == ctc_greedy(expected, ours.charset)[0].text
        texts.append(theirs.text(crop))
        read_again += theirs.text(crop, contrast=0.1) != texts[-1]
    readings = [reading.text for reading in Recognizer(ours).read(crops)]
    equal = sum(first == second for first, second in zip(readings, texts, strict=True))
    print(f"{weights.name}, {len(crops)} words of {words.name}:")
    print(f"  logits on EasyOCR's inputs: largest difference {logits:.2g} (tolerance {TOLERANCE:g})")
    print(f"  inputs: largest difference {levels:.2f} of 255 levels; readings of equal inputs: {same_input} equal")
    print(f"  readings, with case and symbols: {equal} of {len(crops)} equal")
    print(f"  its second try with more contrast, which is not part of the network, changes {read_again} readings")
    return logits <= TOLERANCE and equal == len(crops)

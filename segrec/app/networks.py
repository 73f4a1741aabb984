"""The networks of the page: one segmenter, and a recognizer without and one with its masks."""

from __future__ import annotations

from typing import NamedTuple

from segrec.reader import Reader, Segmenter, open_recognizer
from segrec.weights import CONTROL, READER, SEGMENTER


class Networks(NamedTuple):
    """What the page runs.

    Attributes:
        segmenter: of word crops.
        control: reads without a mask.
        reader: reads with one.
    """

    segmenter: Segmenter
    control: Reader
    reader: Reader

    @classmethod
    def open(
        cls, *, model: str = READER, control: str = CONTROL, segmenter: str = SEGMENTER, device: str = "auto"
    ) -> Networks:
        """Return the networks of shipped names, runs or weights files.

        Raises:
            CheckpointError: weights are missing or do not fit.
            ConfigError: the device is unknown or absent.
        """
        masks = Segmenter.from_pretrained(segmenter, device=device, scene_height=None)
        readers = (Reader(open_recognizer(name, device=device), masks) for name in (control, model))
        return cls(masks, *readers)

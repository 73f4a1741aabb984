"""Words with their masks as training samples of a recognizer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from recognizers.charset import Charset
from recognizers.edge_padding import continued
from recognizers.preprocess import InputSpec, prepare_content
from recognizers.training import WordBatch, fits
from segrec.core.errors import DamagedMaskError
from segrec.core.images import Array
from segrec.data.augment import augment_word
from segrec.data.masks.sources import MaskSource
from segrec.data.words import StoredWord, WordLmdb
from segrec.training.batches import Key

UNREADABLE = "unreadable image or label"
DAMAGED_MASK = "damaged mask"
EMPTY = "empty label"
TOO_LONG = {False: "label longer than the frames", True: "label longer than the decoder's steps"}
"""By whether the recognizer has attention."""

WIDTH_STEP = 32
"""What widths of padded inputs are multiples of: each new size costs a network some preparation."""

_AUGMENTATION, _DROPOUT = 1, 2
"""Streams of random numbers; 0 would give those of the key without a stream."""


class WordSet(NamedTuple):
    """A word database and where its masks come from (None for a recognizer without a mask channel)."""

    words: WordLmdb
    masks: MaskSource | None


class RecognitionSample(NamedTuple):
    """One usable word: (C, H, W) uint8 input, about as wide as the word where the spec pads, and its class numbers."""

    prepared: Array
    target: list[int]


class LoadedBatch(NamedTuple):
    """A batch, and how many words were left out of it for which reason; without a word, its images have no size."""

    batch: WordBatch
    skipped: dict[str, int]


class FittingWord(NamedTuple):
    """A word that a recognizer can learn from.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        text: its label, normalised.
        content: (height, width) of the image in the recognizer's input.
        width: of that input before its batch is known.
    """

    image: Array
    text: str
    content: tuple[int, int]
    width: int


@dataclass(frozen=True)
class ReaderInput:
    """What a recognizer takes in training.

    Attributes:
        spec: its input, of one size or padded.
        charset: labels are normalised to it.
        steps: CTC frames at the spec's width, or steps of an attention decoder.
    """

    spec: InputSpec
    charset: Charset
    steps: int

    def fit(self, word: StoredWord) -> FittingWord | str:
        """Return the word as it enters the recognizer, or why it cannot: `UNREADABLE`, `EMPTY` or one of `TOO_LONG`."""
        if word.image is None:
            return UNREADABLE
        text = self.charset.normalise(word.label)
        if not text:
            return EMPTY
        content = self.spec.content_size((word.image.shape[0], word.image.shape[1]))
        width = content[1]
        if self.spec.padding == "edge":
            width = min(-(-width // WIDTH_STEP) * WIDTH_STEP, self.spec.width)
        if not self._has_room(text, width):
            return TOO_LONG[self.charset.is_attention]
        return FittingWord(word.image, text, content, width)

    def _has_room(self, text: str, width: int) -> bool:
        if self.charset.is_attention:
            return len(text) + 1 <= self.steps
        if width == self.spec.width:
            return fits(text, self.steps)
        return fits(text, self.steps * width // self.spec.width - 1)  # one less, as numbers of frames are rounded


class RecognitionDataset:
    """The words of one database; a sample is a pure function of (position, visit).

    A word that cannot be used is given as the reason why.

    Args:
        words: the database with its masks.
        spec: the recognizer's input; images are stretched to its width, so that they make batches, unless it pads.
        charset: its characters; labels are normalised to it.
        frames: how many CTC frames the recognizer gives at the spec's width; labels that need more than those of their
            word's width are left out.
        max_length: how many steps an attention recognizer does; labels that with their end need more are left out.
        augment: change images and masks at random.
        seed: of the augmentation and of the masks that are left out.
        mask_dropout: share of the samples whose mask is zeros instead, by draws that nothing else depends on.

    Raises:
        ValueError: not the one of `frames` and `max_length` that belongs to the charset's kind.
    """

    def __init__(
        self,
        words: WordSet,
        spec: InputSpec,
        charset: Charset,
        *,
        frames: int | None = None,
        max_length: int | None = None,
        augment: bool,
        seed: int,
        mask_dropout: float = 0.0,
    ) -> None:
        given, other = (max_length, frames) if charset.is_attention else (frames, max_length)
        if given is None or other is not None:
            wanted = "max_length" if charset.is_attention else "frames"
            raise ValueError(
                f"the charset kind {charset.kind} takes {wanted}, got frames={frames}, max_length={max_length}"
            )
        self._words, self._masks = words
        self._input = ReaderInput(spec.stretched(), charset, given)
        self._augment, self._seed, self._mask_dropout = augment, seed, mask_dropout

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, key: Key) -> RecognitionSample | str:
        position, visit = key
        word = self._input.fit(self._words[position])
        if isinstance(word, str):
            return word
        spec = self._input.spec
        try:
            sized = None if self._masks is None else self._masks.masks([position], [word.image], [visit], word.content)
        except DamagedMaskError:
            return DAMAGED_MASK
        prepared = prepare_content(word.image, None if sized is None else sized[0], spec)
        if self._mask_dropout and self._random(_DROPOUT, key).random() < self._mask_dropout:
            prepared[-1] = 0
        if self._augment:
            rng = self._random(_AUGMENTATION, key)
            prepared = augment_word(prepared, rng, color_channels=1 if spec.color == "grey" else 3)
        target = self._input.charset.encode(word.text)
        return RecognitionSample(continued(prepared, word.width, has_mask=spec.mask), target)

    def _random(self, stream: int, key: Key) -> np.random.Generator:
        """Return the random numbers of one purpose for one sample; random masks use the key without a stream."""
        return np.random.default_rng((self._seed, *key, stream))


def reasons_for(charset: Charset) -> tuple[str, ...]:
    """Return why words may be left out of the batches of a recognizer with this charset."""
    return (UNREADABLE, EMPTY, DAMAGED_MASK, TOO_LONG[charset.is_attention])


def collate(samples: Sequence[RecognitionSample | str]) -> LoadedBatch:
    """Make a batch of the usable samples, which may be none, and count the others by reason.

    Samples of several widths are continued to that of the widest, see `recognizers.edge_padding.continued`, and stand
    in the order of their widths.
    """
    usable = [sample for sample in samples if isinstance(sample, RecognitionSample)]
    skipped = Counter(sample for sample in samples if isinstance(sample, str))
    widths = [sample.prepared.shape[2] for sample in usable]
    is_padded = len(set(widths)) > 1
    if is_padded:
        usable.sort(key=lambda sample: sample.prepared.shape[2])
    batch = WordBatch(
        images=torch.from_numpy(_stacked([sample.prepared for sample in usable])),
        targets=torch.tensor([number for sample in usable for number in sample.target], dtype=torch.int64),
        lengths=torch.tensor([len(sample.target) for sample in usable], dtype=torch.int64),
        widths=torch.tensor(sorted(widths), dtype=torch.int64) if is_padded else None,
    )
    return LoadedBatch(batch, dict(skipped))


def _stacked(inputs: Sequence[Array]) -> Array:
    if not inputs:
        return np.empty((0, 0, 0, 0), np.uint8)
    if inputs[0].shape[2] < inputs[-1].shape[2]:
        inputs = [continued(one, inputs[-1].shape[2], has_mask=one.shape[0] == 4) for one in inputs]
    return np.stack(inputs)

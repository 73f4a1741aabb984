"""Transcribed words as batches that teach the segmenter through a recognizer: pictures at working size and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from recognizers.charset import Charset
from recognizers.training import fits
from segmenter.preprocess import STRIDE, is_tall, rescale, working_size
from segrec.core.errors import ConfigError, DataError
from segrec.core.images import Array
from segrec.data.augment import augment_word
from segrec.data.recognition import EMPTY, TOO_LONG, UNREADABLE
from segrec.data.words import WordLmdb
from segrec.training.batches import Key

TALL_CROP = "higher than wide, which the segmenter sees turned and the reader does not"
REASONS = (UNREADABLE, EMPTY, TOO_LONG[False], TALL_CROP)
"""Why words may be left out of the batches."""


class ReadingSample(NamedTuple):
    """One word: (H, W, 3) uint8 RGB at working size and its class numbers."""

    image: Array
    target: list[int]


class ReadingBatch(NamedTuple):
    """Words to be segmented and then read.

    Attributes:
        images: (N, 3, H, W) uint8, RGB; H and W multiples of 16, beyond a word's own width its last column repeated.
        widths: (N,) int64, the words' own widths, at most W.
        targets: (sum of lengths,) int64, the class numbers of all labels in a row.
        lengths: (N,) int64, the number of characters of each label.
        skipped: how many words were left out of it, by reason of `REASONS`.
    """

    images: Tensor
    widths: Tensor
    targets: Tensor
    lengths: Tensor
    skipped: Mapping[str, int]


class ReadingDataset:
    """The words of one database; a sample is a pure function of (position, visit).

    A word that cannot be used is given as the reason why, one of `REASONS`.

    Args:
        words: with transcripts.
        charset: the recognizer's; labels are normalised to it.
        frames: how many CTC frames it gives; words that need more are left out.
        height: working height of the segmenter, a multiple of 16.
        widest: words that would be wider at that height are squeezed to it, a multiple of 16.
        seed: of the augmentation.
    """

    def __init__(self, words: WordLmdb, *, charset: Charset, frames: int, height: int, widest: int, seed: int) -> None:
        if height % STRIDE or widest % STRIDE:
            raise ValueError(f"height and widest must be multiples of {STRIDE}, got {height} and {widest}")
        self._words, self._charset, self._frames = words, charset, frames
        self._height, self._widest, self._seed = height, widest, seed

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, key: Key) -> ReadingSample | str:
        position, visit = key
        word = self._words[position]
        if word.image is None:
            return UNREADABLE
        text = self._charset.normalise(word.label)
        if not text:
            return EMPTY
        if not fits(text, self._frames):
            return TOO_LONG[False]
        if is_tall((word.image.shape[0], word.image.shape[1]), None):
            return TALL_CROP
        _, width = working_size(word.image.shape[:2], height=self._height, scene_height=None)
        picture = rescale(word.image, (self._height, min(width, self._widest)))
        rng = np.random.default_rng((self._seed, position, visit))
        moved = augment_word(picture.transpose(2, 0, 1), rng, color_channels=3)
        return ReadingSample(np.ascontiguousarray(moved.transpose(1, 2, 0)), self._charset.encode(text))


def open_reading(
    paths: Sequence[str], *, charset: Charset, frames: int, height: int, widest: int, seed: int
) -> list[ReadingDataset]:
    """Return the datasets of word databases; each draws its own augmentation.

    Raises:
        ConfigError: none is named.
        DataError: a database cannot be read or holds nothing.
    """
    if not paths:
        raise ConfigError("a reader needs words with transcripts: name them with --reading")
    datasets = [
        ReadingDataset(WordLmdb(path), charset=charset, frames=frames, height=height, widest=widest, seed=seed + number)
        for number, path in enumerate(paths)
    ]
    for path, dataset in zip(paths, datasets, strict=True):
        if not len(dataset):
            raise DataError(f"{path} holds no words; leave it out of --reading")
    return datasets


def collate_reading(samples: Sequence[ReadingSample | str]) -> ReadingBatch:
    """Make a batch of the usable samples, which may be none, and count the others by reason."""
    usable = [sample for sample in samples if isinstance(sample, ReadingSample)]
    skipped = Counter(sample for sample in samples if isinstance(sample, str))
    widths = [sample.image.shape[1] for sample in usable]
    widest = -(-max(widths, default=STRIDE) // STRIDE) * STRIDE
    padded = [np.pad(one.image, ((0, 0), (0, widest - one.image.shape[1]), (0, 0)), "edge") for one in usable]
    images = np.stack(padded) if padded else np.empty((0, STRIDE, widest, 3), np.uint8)
    return ReadingBatch(
        images=torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))),
        widths=torch.tensor(widths, dtype=torch.int64),
        targets=torch.tensor([number for one in usable for number in one.target], dtype=torch.int64),
        lengths=torch.tensor([len(one.target) for one in usable], dtype=torch.int64),
        skipped=dict(skipped),
    )

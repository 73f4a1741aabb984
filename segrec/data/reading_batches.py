"""Transcribed words as batches that teach the segmenter through a recognizer: their pictures for both, and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from recognizers.edge_padding import continued
from recognizers.preprocess import resized
from segmenter.preprocess import STRIDE, is_tall, rescale, working_size
from segrec.core.errors import ConfigError, DataError
from segrec.core.images import Array
from segrec.data.augment import augment_word
from segrec.data.recognition import EMPTY, TOO_LONG, UNREADABLE, ReaderInput
from segrec.data.words import WordLmdb
from segrec.training.batches import Key

TALL_CROP = "higher than wide, which the segmenter sees turned and the reader does not"
REASONS = (UNREADABLE, EMPTY, TOO_LONG[False], TALL_CROP)
"""Why words may be left out of the batches."""


class ReadingSample(NamedTuple):
    """One word: (H, W, 3) uint8 RGB at working size, (3, h, w) uint8 as the reader takes it, and its class numbers."""

    image: Array
    seen: Array
    target: list[int]


class ReadingBatch(NamedTuple):
    """Words to be segmented and then read.

    Attributes:
        images: (N, 3, H, W) uint8, RGB; H and W multiples of 16, beyond a word's own width its last column repeated.
        widths: (N,) int64, the words' own widths in `images`, at most W.
        seen: (N, 3, h, w) uint8, RGB, the same pictures at the reader's size, continued likewise.
        contents: (N,) int64, the words' own widths in `seen`, at most w.
        targets: (sum of lengths,) int64, the class numbers of all labels in a row.
        lengths: (N,) int64, the number of characters of each label.
        reader: which of several readers is to read them, from 0.
        skipped: how many words were left out of it, by reason of `REASONS`.
    """

    images: Tensor
    widths: Tensor
    seen: Tensor
    contents: Tensor
    targets: Tensor
    lengths: Tensor
    reader: int
    skipped: Mapping[str, int]


class ReadingDataset:
    """The words of one database for one reader; a sample is a pure function of (position, visit).

    A word that cannot be used is given as the reason why, one of `REASONS`.

    Args:
        words: with transcripts.
        reader: what the recognizer takes; of sizes that follow a word's ratio it takes that of training.
        height: working height of the segmenter, a multiple of 16.
        widest: words that would be wider at that height are squeezed to it, a multiple of 16.
        seed: of the augmentation.

    Raises:
        DataError: the database says more words than it holds.
    """

    def __init__(self, words: WordLmdb, reader: ReaderInput, *, height: int, widest: int, seed: int) -> None:
        if height % STRIDE or widest % STRIDE:
            raise ValueError(f"height and widest must be multiples of {STRIDE}, got {height} and {widest}")
        words.count()
        self._words, self._reader = words, replace(reader, spec=reader.spec.stretched())
        self._height, self._widest, self._seed = height, widest, seed

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, key: Key) -> ReadingSample | str:
        position, visit = key
        word = self._reader.fit(self._words[position])
        if isinstance(word, str):
            return word
        size, content = (word.image.shape[0], word.image.shape[1]), word.content
        if is_tall(size, None):
            return TALL_CROP
        working = self._height, min(working_size(size, height=self._height, scene_height=None)[1], self._widest)
        rng = np.random.default_rng((self._seed, position, visit))
        both = rescale(word.image, (max(working[0], content[0]), max(working[1], content[1])))
        moved = augment_word(both.transpose(2, 0, 1), rng, color_channels=3).transpose(1, 2, 0)
        seen = resized(np.ascontiguousarray(moved), content, self._reader.spec).transpose(2, 0, 1)
        target = self._reader.charset.encode(word.text)
        return ReadingSample(rescale(moved, working), np.ascontiguousarray(seen), target)


def open_reading(
    paths: Sequence[str], reader: ReaderInput, *, height: int, widest: int, seed: int
) -> list[ReadingDataset]:
    """Return the datasets of word databases for a reader; each draws its own augmentation.

    Raises:
        ConfigError: none is named.
        DataError: a database cannot be read or holds nothing.
    """
    if not paths:
        raise ConfigError("a reader needs words with transcripts: name them with --reading")
    datasets = [
        ReadingDataset(WordLmdb(path), reader, height=height, widest=widest, seed=seed + number)
        for number, path in enumerate(paths)
    ]
    for path, dataset in zip(paths, datasets, strict=True):
        if not len(dataset):
            raise DataError(f"{path} holds no words; leave it out of --reading")
    return datasets


def collate_reading(samples: Sequence[ReadingSample | str], *, reader: int = 0) -> ReadingBatch:
    """Make a batch of the usable samples, which may be none, for one of several readers, and count the others."""
    usable = [sample for sample in samples if isinstance(sample, ReadingSample)]
    skipped = Counter(sample for sample in samples if isinstance(sample, str))
    images, widths = _stacked([one.image.transpose(2, 0, 1) for one in usable], multiple=STRIDE)
    seen, contents = _stacked([one.seen for one in usable])
    return ReadingBatch(
        images=images,
        widths=widths,
        seen=seen,
        contents=contents,
        targets=torch.tensor([number for one in usable for number in one.target], dtype=torch.int64),
        lengths=torch.tensor([len(one.target) for one in usable], dtype=torch.int64),
        reader=reader,
        skipped=dict(skipped),
    )


def _stacked(pictures: Sequence[Array], multiple: int = 1) -> tuple[Tensor, Tensor]:
    """Return pictures (3, H, w) continued to one width, a multiple of a number, and their own widths.

    Of no pictures it is an empty batch of 16x16 pixels.
    """
    widths = [picture.shape[2] for picture in pictures]
    widest = -(-max(widths, default=STRIDE) // multiple) * multiple
    stacked = [continued(picture, widest, has_mask=False) for picture in pictures]
    batch = np.stack(stacked) if stacked else np.empty((0, 3, STRIDE, widest), np.uint8)
    return torch.from_numpy(np.ascontiguousarray(batch)), torch.tensor(widths, dtype=torch.int64)

"""Rendered words and scenes as training samples of the segmenter."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from segmenter.augment import AugmentSpec, Sample, augment
from segmenter.training import SegmentationBatch
from segrec.core.batches import Key
from segrec.core.errors import DataError
from segrec.core.files import read_json
from segrec.core.images import Array, Interpolation, read_image, resize
from segrec.data.mask_store import MaskStore
from segrec.data.rendering.writing import ORACLE, REGIONS
from segrec.data.words import WordLmdb

WORD_SPEC = AugmentSpec(rotation=4.0, scale=(0.85, 1.25))
IGNORE = 128
INK_SHARE = 90
"""Coverage, of 255, from which a pixel of a soft rendered mask counts as text; below one half, or thin strokes go."""


class MaskedImages(Protocol):
    """Pictures with whatever masks they have."""

    def __len__(self) -> int: ...

    def sample(self, position: int) -> Sample:
        """Return the picture at the 0-based position with its masks at the same size."""


class MaskedWords:
    """A rendered word database with its stores of strokes and regions.

    Raises:
        DataError: one of the three is missing or they do not belong together.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._words = WordLmdb(path)
        if not (Path(path) / ORACLE).is_dir():
            raise DataError(
                f"{path} has no exact masks; name words that segrec render words wrote (not with --no-masks)"
            )
        self._text, self._regions = MaskStore(Path(path) / ORACLE), MaskStore(Path(path) / REGIONS)
        for store in (self._text, self._regions):
            store.check_source(self._words)
            store.require_complete()

    def __len__(self) -> int:
        return len(self._words)

    def sample(self, position: int) -> Sample:
        """Return one word, see `MaskedImages.sample`."""
        word = self._words[position]
        if word.image is None:
            raise DataError(f"{self._words.path}: {word.problem}; render the words again")
        return Sample(word.image, self._text[position], self._regions[position])


class MaskedScenes:
    """A folder of rendered scenes.

    Raises:
        DataError: the folder has no `scenes.json`, or one without scenes.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._folder = Path(path)
        record = read_json(self._folder / "scenes.json")
        if not isinstance(record, dict) or not isinstance(record.get("scenes"), list):
            raise DataError(f"{self._folder / 'scenes.json'} names no scenes; render them again")
        self._names: list[str] = record["scenes"]

    def __len__(self) -> int:
        return len(self._names)

    def sample(self, position: int) -> Sample:
        """Return one scene, see `MaskedImages.sample`."""
        name = self._names[position]
        text, region = (read_image(self._folder / kind / f"{name}.png")[:, :, 0] for kind in ("text", "regions"))
        return Sample(read_image(self._folder / "images" / f"{name}.jpg"), _binary(text), _binary(region))


class SegmentationDataset:
    """Augmented samples at one size; a sample is a pure function of (position, visit).

    Args:
        images: the pictures.
        size: (height, width) of the samples, multiples of 16.
        seed: of the augmentation.
        words: the pictures are word crops: each is first resized to the height, and rotated little.
    """

    def __init__(self, images: MaskedImages, size: tuple[int, int], *, seed: int, words: bool) -> None:
        self._images, self._size, self._seed, self._words = images, size, seed, words

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, key: Key) -> Sample:
        position, visit = key
        rng = np.random.default_rng((self._seed, position, visit))
        sample = self._images.sample(position)
        if not self._words:
            return augment(sample, self._size, rng)
        return augment(_window(_at_height(sample, self._size[0]), self._size, rng), self._size, rng, WORD_SPEC)


def _at_height(sample: Sample, height: int) -> Sample:
    width = max(1, round(sample.image.shape[1] * height / sample.image.shape[0]))
    method: Interpolation = "area" if height < sample.image.shape[0] else "bilinear"
    image, text, region = (None if part is None else resize(part, (height, width), method) for part in sample)
    assert image is not None
    return Sample(image, None if text is None else _binary(text), None if region is None else _binary(region))


def _binary(mask: Array) -> Array:
    return np.where(mask >= INK_SHARE, 255, 0).astype(np.uint8)


def _window(sample: Sample, size: tuple[int, int], rng: np.random.Generator) -> Sample:
    """Return a part of exactly `size`: a random window of a long word, or a short word continued at its edges."""
    spare = sample.image.shape[1] - size[1]
    if spare >= 0:
        left = int(rng.integers(spare + 1))
        image, text, region = (None if part is None else part[:, left : left + size[1]] for part in sample)
        assert image is not None
        return Sample(image, text, region)
    left = int(rng.integers(-spare + 1))
    pads = ((0, 0), (left, -spare - left))
    masks = (
        None if mask is None else np.pad(mask, pads, constant_values=IGNORE) for mask in (sample.text, sample.region)
    )
    return Sample(np.pad(sample.image, (*pads, (0, 0)), mode="edge"), *masks)


def collate(samples: Sequence[Sample]) -> SegmentationBatch:
    """Make a batch of samples of one size; a missing mask is all `ignore`."""

    def stacked(masks: list[Array | None]) -> torch.Tensor:
        shape = samples[0].image.shape[:2]
        filled = [np.full(shape, IGNORE, dtype=np.uint8) if mask is None else mask for mask in masks]
        return torch.from_numpy(np.stack(filled)[:, None])

    images = np.stack([sample.image.transpose(2, 0, 1) for sample in samples])
    return SegmentationBatch(
        images=torch.from_numpy(images),
        text=stacked([sample.text for sample in samples]),
        region=stacked([sample.region for sample in samples]),
        has_text=torch.tensor([sample.text is not None for sample in samples]),
        has_region=torch.tensor([sample.region is not None for sample in samples]),
    )

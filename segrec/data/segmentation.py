"""Pictures with masks as training samples of the segmenter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from segmenter.augment import AugmentSpec, SegmentationSample, augment, move_soft
from segmenter.choices import Supervision
from segmenter.datasets.base import MaskedImages
from segmenter.preprocess import is_tall, turned
from segmenter.training import SegmentationBatch
from segrec.core.images import Array, Interpolation, resize
from segrec.core.mask_values import IGNORE
from segrec.training.batches import Key

WORD_SPEC = AugmentSpec(rotation=4.0, scale=(0.85, 1.25), inversion=0.5, mirror=0.25)
SCENE_SPEC = AugmentSpec(scale=(0.9, 1.1), inversion=0.1, mirror=0.1, quarter=0.1)
SCENE_SCALE = (0.5, 1.6)
"""Smallest and largest zoom of a scene's window over the scene's own pixels, where no other is asked for."""

LEAST_UNAVERAGED = 0.5
"""A window that is zoomed out further is averaged down first, as pictures are at prediction: it must not alias."""

TEXT_SHARE = 0.75
"""Share of the windows that are laid around a pixel of text, where a scene has any."""


class SegmentationDataset:
    """Augmented samples at one size; a sample is a pure function of (position, visit).

    Args:
        images: the pictures.
        size: (height, width) of the samples, multiples of 16.
        seed: of the augmentation.
        words: each picture is taken whole as a word crop: resized to the height and rotated little. Otherwise it is a
            scene, of which windows are cut.
        scene_zoom: smallest and largest zoom of scene windows over the scene's own pixels; drawn log-uniformly.
        supervision: what becomes of a picture that has both masks: `draw` hands on one of them, each with probability
            one half at each visit, as pairs of the paper (Section III.B.2) do; `both` hands on both; `text` drops every
            region mask, so that a step of word crops needs no region decoder; `region` drops every text mask, such as
            the weak ones of COCO_TS and MLT_S; `region-as-text` hands the region on as the text mask, so that a
            network that knows text alone can learn from polygons (the paper's Exp-1).
    """

    def __init__(
        self,
        images: MaskedImages,
        size: tuple[int, int],
        *,
        seed: int,
        words: bool,
        supervision: Supervision = "both",
        scene_zoom: tuple[float, float] = SCENE_SCALE,
    ) -> None:
        self._images, self._size, self._seed, self._words = images, size, seed, words
        self._supervision, self._scene_zoom = supervision, scene_zoom

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, key: Key) -> SegmentationSample:
        position, visit = key
        rng = np.random.default_rng((self._seed, position, visit))
        sample = self._images.visited(position, seed=self._seed, visit=visit)
        if self._words:
            sample = _turned_if_tall(sample)
            cut, spec = _window(_at_height(sample, self._size[0]), self._size, rng), WORD_SPEC
        else:
            cut, spec = _scene_window(sample, self._size, rng, self._scene_zoom), SCENE_SPEC
        result = augment(cut, self._size, rng, spec)
        if self._supervision == "text":
            return result._replace(region=None)
        if self._supervision == "region":
            return result._replace(text=None)
        if self._supervision == "region-as-text":
            return result._replace(text=result.region, region=None)
        if self._supervision == "both" or result.text is None or result.region is None:
            return result
        return result._replace(region=None) if rng.random() < 0.5 else result._replace(text=None)


def _turned_if_tall(sample: SegmentationSample) -> SegmentationSample:
    """Return a word as it enters the network at prediction: turned a quarter where it is tall."""
    if not is_tall((sample.image.shape[0], sample.image.shape[1]), None):
        return sample
    return SegmentationSample(turned(sample.image), *(None if mask is None else turned(mask) for mask in sample[1:]))


def _at_height(sample: SegmentationSample, height: int) -> SegmentationSample:
    """Return the whole picture at `height`, its aspect ratio kept; the masks' edges become as soft as the picture's."""
    width = max(1, round(sample.image.shape[1] * height / sample.image.shape[0]))
    method: Interpolation = "area" if height < sample.image.shape[0] else "bilinear"

    def resized(mask: Array | None) -> Array | None:
        return None if mask is None else move_soft(mask, lambda part, _: resize(part, (height, width), method))

    return SegmentationSample(
        resize(sample.image, (height, width), method), resized(sample.text), resized(sample.region)
    )


def _window(sample: SegmentationSample, size: tuple[int, int], rng: np.random.Generator) -> SegmentationSample:
    """Return a part of exactly `size`: a random window of a long word, or a short word continued at its edges."""
    spare = sample.image.shape[1] - size[1]
    left = int(rng.integers(abs(spare) + 1)) * (1 if spare >= 0 else -1)
    return _cut(sample, (0, left), size)


def _scene_window(
    sample: SegmentationSample, size: tuple[int, int], rng: np.random.Generator, zooms: tuple[float, float]
) -> SegmentationSample:
    """Return a random window, laid around text in `TEXT_SHARE` of the cases, that is `size` at a random zoom.

    Args:
        zooms: smallest and largest.
    """
    zoom = float(np.exp(rng.uniform(*np.log(zooms))))
    height, width = (max(1, round(side / zoom)) for side in size)
    spare = (sample.image.shape[0] - height, sample.image.shape[1] - width)
    place, jitter, about_text = rng.random(2), rng.uniform(0.2, 0.8, 2), rng.random() < TEXT_SHARE
    truth = sample.text if sample.text is not None else sample.region
    text = np.flatnonzero(truth > IGNORE) if about_text and truth is not None else np.empty(0, dtype=np.int64)
    if len(text):
        row, column = divmod(int(text[int(place[0] * len(text))]), sample.image.shape[1])
        wanted = (row - jitter[0] * height, column - jitter[1] * width)
    else:
        wanted = (place[0] * spare[0], place[1] * spare[1])
    top, left = (int(np.clip(start, min(0, most), max(0, most))) for start, most in zip(wanted, spare, strict=True))
    cut = _cut(sample, (top, left), (height, width))
    return cut if zoom >= LEAST_UNAVERAGED else _at_height(cut, size[0])


def _cut(sample: SegmentationSample, corner: tuple[int, int], size: tuple[int, int]) -> SegmentationSample:
    """Return the window of `size` whose upper left corner is `corner`, (row, column), of the picture.

    Outside the picture its edge colours go on and the masks say ignore.
    """
    spans, pads = [], []
    for start, side, own in zip(corner, size, sample.image.shape[:2], strict=True):
        before, after = max(0, -start), max(0, start + side - own)
        spans.append(slice(start + before, start + side - after))
        pads.append((before, after))
    image = np.pad(sample.image[spans[0], spans[1]], (*pads, (0, 0)), mode="edge")
    text, region = (
        None if mask is None else np.pad(mask[spans[0], spans[1]], pads, constant_values=IGNORE)
        for mask in (sample.text, sample.region)
    )
    return SegmentationSample(image, text, region)


def collate(samples: Sequence[SegmentationSample]) -> SegmentationBatch:
    """Make a batch of samples of one size; a missing mask is all `ignore`.

    Pictures are stored plane after plane, as their shape says: with channels last in memory, as NumPy would leave them,
    a network would be trained so that `segrec.training.memory_format` must keep from it.
    """

    def stacked(masks: list[Array | None]) -> torch.Tensor:
        shape = samples[0].image.shape[:2]
        filled = [np.full(shape, IGNORE, dtype=np.uint8) if mask is None else mask for mask in masks]
        return torch.from_numpy(np.stack(filled)[:, None])

    images = np.ascontiguousarray(np.stack([sample.image.transpose(2, 0, 1) for sample in samples]))
    return SegmentationBatch(
        images=torch.from_numpy(images),
        text=stacked([sample.text for sample in samples]),
        region=stacked([sample.region for sample in samples]),
        has_text=torch.tensor([sample.text is not None for sample in samples]),
        has_region=torch.tensor([sample.region is not None for sample in samples]),
    )

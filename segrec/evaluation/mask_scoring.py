"""Scoring segmenters on pictures with true masks, a few pictures in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import MaskedImages
from segmenter.mask_predictor import Probabilities
from segmenter.metrics import PixelCounts, PixelScore, ThresholdSweep, count_pixels, split_truth
from segmenter.predictor import TorchSegmenter
from segrec.core.errors import DataError
from segrec.core.images import Array
from segrec.core.runlog import progress_bar

Target = Literal["text", "region"]
TARGETS: tuple[Target, ...] = ("text", "region")

CHUNK_IMAGES = 512
CHUNK_PIXELS = 2**22
"""Pictures are predicted together up to these limits: enough for full batches, little enough for any memory."""


@dataclass(frozen=True, slots=True)
class ImageScore:
    """One image as it was scored, at its own size.

    Attributes:
        name: the dataset's name of the image.
        ignored: pixels that the truth says nothing about.
    """

    name: str
    height: int
    width: int
    counts: PixelCounts
    ignored: int


@dataclass
class TargetScore:
    """The images that have a true mask of one target.

    Attributes:
        images: in the order of the dataset.
        sweep: the scores at all thresholds, where they were asked for.
    """

    images: list[ImageScore] = field(default_factory=list)
    sweep: ThresholdSweep | None = None

    @property
    def score(self) -> PixelScore:
        """The score of all images."""
        return PixelScore.of(image.counts for image in self.images)

    def add(self, name: str, probabilities: Probabilities, mask: Array, *, threshold: float) -> None:
        """Score one image; both arrays are (H, W), the mask uint8 with 255, 0 and 128 for ignore."""
        truth, valid = split_truth(mask)
        counts = count_pixels(probabilities >= threshold, truth, valid)
        height, width = mask.shape
        self.images.append(ImageScore(name, height, width, counts, int(valid.size - valid.sum())))
        if self.sweep is not None:
            self.sweep.add(probabilities, truth, valid)


@dataclass
class MaskScores:
    """One segmenter on one dataset.

    Attributes:
        text, region: the score of each target; without images where it was not asked for or no image has it.
        total: images of the dataset, or the first ones that were asked for.
        problems: why images could not be read, one line each; these are not scored.
    """

    text: TargetScore
    region: TargetScore
    total: int
    problems: list[str]


def score_segmenters(
    segmenters: Mapping[str, TorchSegmenter],
    images: MaskedImages,
    *,
    targets: Sequence[Target] = TARGETS,
    threshold: float = 0.5,
    sweep: bool = False,
    limit: int | None = None,
    batch_size: int = 32,
    description: str = "scoring",
) -> dict[str, MaskScores]:
    """Return the scores of several segmenters on the same images, each of which is read once.

    Args:
        segmenters: by the names of the result.
        images: scored at their own size; a mask that is None is not scored. One that cannot be read, or whose masks
            have another size, is left out and noted as a problem.
        targets: which masks to score.
        threshold: probability from which a pixel is called text, or in a region.
        sweep: also score at all thresholds.
        limit: only the first images.
        batch_size: most pictures in one run of a network.
        description: of the progress bar.

    Raises:
        ValueError: a true mask has other values than 0, 128 and 255.
    """
    count = len(images) if limit is None else min(limit, len(images))
    problems: list[str] = []
    scores = {
        name: MaskScores(_unscored(sweep), _unscored(sweep), total=count, problems=problems) for name in segmenters
    }
    with progress_bar(count, description, "image") as bar:
        for chunk in _chunks(images, count, targets, problems):
            for name, segmenter in segmenters.items():
                _score_chunk(scores[name], segmenter, chunk.scored, threshold=threshold, batch_size=batch_size)
            bar.update(chunk.read)
    return scores


def _unscored(sweep: bool) -> TargetScore:
    return TargetScore(sweep=ThresholdSweep() if sweep else None)


class _Chunk(NamedTuple):
    """Images to score, by name, and how many images were read for them."""

    scored: list[tuple[str, SegmentationSample]]
    read: int


def _chunks(images: MaskedImages, count: int, targets: Sequence[Target], problems: list[str]) -> Iterator[_Chunk]:
    """Yield the images with the masks of `targets` only; what cannot be read is noted in `problems`."""
    chunk, pixels, read = [], 0, 0
    for position in range(count):
        read += 1
        try:
            sample = _checked(images.sample(position), images.name(position))
        except DataError as error:
            problems.append(str(error))
            continue
        masks = (getattr(sample, target) if target in targets else None for target in TARGETS)
        asked = SegmentationSample(sample.image, *masks)
        if asked.text is None and asked.region is None:
            continue
        chunk.append((images.name(position), asked))
        pixels += asked.image.shape[0] * asked.image.shape[1]
        if len(chunk) >= CHUNK_IMAGES or pixels >= CHUNK_PIXELS:
            yield _Chunk(chunk, read)
            chunk, pixels, read = [], 0, 0
    yield _Chunk(chunk, read)


def _checked(sample: SegmentationSample, name: str) -> SegmentationSample:
    """Return the sample, whose masks are known to have the size of its image.

    Raises:
        DataError: one has not; names both sizes.
    """
    size = sample.image.shape[:2]
    for target in TARGETS:
        mask = getattr(sample, target)
        if mask is not None and mask.shape != size:
            raise DataError(f"{name}: the {target} mask is {mask.shape}, expected {size} like the image")
    return sample


def _score_chunk(
    scores: MaskScores,
    segmenter: TorchSegmenter,
    chunk: Sequence[tuple[str, SegmentationSample]],
    *,
    threshold: float,
    batch_size: int,
) -> None:
    pictures = [sample.image for _, sample in chunk]
    predicted: Sequence[tuple[Probabilities, ...]]
    if not segmenter.has_region or all(sample.region is None for _, sample in chunk):
        predicted = [(text,) for text in segmenter.predict_text(pictures, batch_size=batch_size)]
    else:
        predicted = segmenter.predict(pictures, batch_size=batch_size)
    for (name, sample), maps in zip(chunk, predicted, strict=True):
        for target, probabilities in zip((scores.text, scores.region), maps, strict=False):
            mask = sample.text if target is scores.text else sample.region
            if mask is not None:
                target.add(name, probabilities, mask, threshold=threshold)

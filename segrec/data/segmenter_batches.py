"""The batches of a segmenter's training: word crops, scene windows and words to be read by turns, stage after stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from typing import Literal, NamedTuple

from segmenter.choices import Supervision
from segmenter.datasets import MaskedImages
from segmenter.training import SegmentationBatch
from segrec.core.errors import ConfigError
from segrec.data.masked_images import open_masked
from segrec.data.reading_batches import ReadingBatch, ReadingDataset, collate_reading
from segrec.data.segmentation import SCENE_SCALE, SegmentationDataset, collate
from segrec.training.batches import Joined, step_batches
from segrec.training.distributed import ALONE, World

AnyBatch = SegmentationBatch | ReadingBatch
Stream = Callable[[int], Iterator[AnyBatch]]
Turn = Literal["words", "scenes", "reading"]


class StagedBatch(NamedTuple):
    """A batch and the number of the stage that it belongs to, from 0."""

    stage: int
    batch: AnyBatch


@dataclass(frozen=True)
class BatchSettings:
    """How the pictures of a stage become batches.

    Attributes:
        word_size: (height, width) of word samples, multiples of 16.
        scene_size: (height, width) of scene samples, multiples of 16.
        word_batch: word crops per step.
        scene_batch: scene windows per step.
        scene_every: where there are both, one of this many steps is one of scenes.
        supervision: what becomes of the masks, see `SegmentationDataset`.
        word_supervision: the same for word crops; None takes `supervision`.
        seed: of order and augmentation.
        workers: loader processes.
        scene_zoom: smallest and largest zoom of scene windows, see `SegmentationDataset`.
        reading_batch: words per step that are segmented and then read.
        reading_every: every Nth step is one of reading, where there are such words; the others share the rest.
    """

    word_size: tuple[int, int]
    scene_size: tuple[int, int]
    word_batch: int
    scene_batch: int
    scene_every: int
    supervision: Supervision
    seed: int
    workers: int
    word_supervision: Supervision | None = None
    scene_zoom: tuple[float, float] = SCENE_SCALE
    reading_batch: int = 32
    reading_every: int = 2


class StageData(NamedTuple):
    """What one stage is trained on.

    Attributes:
        steps: its length.
        words: specs, see `open_masked`, of pictures taken whole as word crops; one named twice weighs twice.
        scenes: specs of pictures of which windows are cut.
        supervision: in place of that of the settings, for words and scenes.
    """

    steps: int
    words: Sequence[str]
    scenes: Sequence[str]
    supervision: Supervision | None = None


class StagedBatches:
    """The batches of a run, callable as `loop.fit` wants it: from a step of the whole run on.

    Args:
        stages: one after the other.
        settings: how pictures become batches.
        reading: for each reader words with transcripts, of which every stage has its share of steps; the readers take
            turns.
        world: the processes that share each batch.

    Raises:
        ConfigError: a stage has no pictures.
        DataError: a dataset cannot be read.
    """

    def __init__(
        self,
        stages: Sequence[StageData],
        settings: BatchSettings,
        *,
        reading: Sequence[Sequence[ReadingDataset]] = (),
        world: World = ALONE,
    ) -> None:
        self._stages, self._settings, self._world, self._reading = stages, settings, world, list(reading)
        self._streams = [self._of_stage(number) for number in range(len(stages))]

    def __call__(self, first_step: int) -> Iterator[StagedBatch]:
        """Yield the batches from the 0-based `first_step` of the run on."""
        begun = 0
        for number, (stage, stream) in enumerate(zip(self._stages, self._streams, strict=True)):
            if first_step < begun + stage.steps:
                for batch in stream(max(0, first_step - begun)):
                    yield StagedBatch(number, batch)
            begun += stage.steps

    @property
    def images(self) -> MaskedImages:
        """Pictures of the last stage's first dataset, to look at."""
        last = self._stages[-1]
        return _opened((last.words or last.scenes)[0], words=bool(last.words))

    def _of_stage(self, number: int) -> Stream:
        """Return the batches of one stage from one of its own steps on."""
        words, scenes = self._stream(number, words=True), self._stream(number, words=False)
        if words is None and scenes is None:
            raise ConfigError(f"stage {number + 1} has nothing to train on: name words, scenes or both")
        found: dict[Turn, Stream | None] = {
            "words": words,
            "scenes": scenes,
            "reading": self._stream_of_reading(number),
        }
        streams = {turn: stream for turn, stream in found.items() if stream is not None}
        settings, steps = self._settings, self._stages[number].steps
        turns = [turn_of(step, streams, settings.scene_every, settings.reading_every) for step in range(steps)]

        def batches(first_step: int) -> Iterator[AnyBatch]:
            seen = Counter(turns[:first_step])
            sources = {turn: stream(seen[turn]) for turn, stream in streams.items()}
            for turn in turns[first_step:]:
                yield next(sources[turn])

        return batches

    def _stream_of_reading(self, number: int) -> Stream | None:
        """Return the batches of words to be segmented and read, of all readers by turns; None without such words."""
        if not self._reading:
            return None
        streams: list[Stream] = [
            step_batches(
                Joined(datasets),
                partial(collate_reading, reader=reader),
                batch_size=self._settings.reading_batch,
                seed=self._settings.seed + 1000 * number,
                steps=self._stages[number].steps,
                workers=self._settings.workers,
                world=self._world,
            )
            for reader, datasets in enumerate(self._reading)
        ]

        def by_turns(first: int) -> Iterator[AnyBatch]:
            done, turn = divmod(first, len(streams))
            sources = [stream(done + (reader < turn)) for reader, stream in enumerate(streams)]
            return (next(source) for source in islice(cycle(sources), turn, None))

        return by_turns

    def _stream(self, number: int, *, words: bool) -> Stream | None:
        """Return the batches of one kind, words or scenes; None without data."""
        stage, settings = self._stages[number], self._settings
        specs = stage.words if words else stage.scenes
        if not specs:
            return None
        datasets = [
            SegmentationDataset(
                _opened(spec, words=words),
                settings.word_size if words else settings.scene_size,
                seed=settings.seed + 1000 * number + place,
                words=words,
                supervision=stage.supervision or (settings.word_supervision if words else None) or settings.supervision,
                scene_zoom=settings.scene_zoom,
            )
            for place, spec in enumerate(specs)
        ]
        return step_batches(
            Joined(datasets),
            collate,
            batch_size=settings.word_batch if words else settings.scene_batch,
            seed=settings.seed + 1000 * number,
            steps=stage.steps,
            workers=settings.workers,
            world=self._world,
        )


def turn_of(step: int, kinds: Container[Turn], scene_every: int, reading_every: int) -> Turn:
    """Return what the 0-based `step` of a stage is of, of the kinds that it has.

    Every Nth step is one of reading; of the steps between, every Nth is one of scenes.
    """
    if "reading" in kinds:
        if step % reading_every == reading_every - 1:
            return "reading"
        step -= step // reading_every
    if "scenes" in kinds and ("words" not in kinds or step % scene_every == scene_every - 1):
        return "scenes"
    return "words"


def _opened(spec: str, *, words: bool) -> MaskedImages:
    """Return the pictures of a spec; a bare path is of rendered words, or of rendered scenes."""
    return open_masked(spec if "=" in spec else f"{'words' if words else 'scenes'}={spec}", soft=True)

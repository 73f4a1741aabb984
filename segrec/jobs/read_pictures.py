"""Reading many pictures, crops and photographs, in little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from recognizers.lexicon import Lexicon
from segmenter.preprocess import SCENE_HEIGHT
from segrec.core.errors import DataError
from segrec.core.images import Array
from segrec.core.memory import give_back_freed
from segrec.pages.inputs import Source
from segrec.pages.turns import Turns
from segrec.pages.word import ReadPicture
from segrec.reader import Reader

Kind = Literal["auto", "crop", "page"]
LARGEST_CROP = 1 << 19
"""Pixels of a picture that is surely no crop of one word."""
BATCH = 64
MOST_PIXELS = 1_000_000
"""Pixels of crops that wait for each other, so that large ones do not fill the memory."""


@dataclass(frozen=True)
class Reading:
    """How pictures are read.

    Attributes:
        kind: "crop" takes every picture for one word, "page" looks for words in each, "auto" in those that are higher
            or larger than a word crop would be; words of a database are always crops.
        polygons: regions to be read in every picture instead.
        lexicon: of which each reading becomes a word.
        detector: finds the words of pages, as for `Reader.read_page`.
        lines: whether it gives lines, to be cut into words.
        turns: at which crops and `polygons` are tried, as for `Reader.read`.
    """

    kind: Kind = "auto"
    polygons: Sequence[Any] | None = None
    lexicon: Lexicon | None = None
    detector: Callable[[Array], Any] | None = None
    lines: bool = False
    turns: Turns = "auto"


def read_pictures(reader: Reader, pictures: Iterable[Source], settings: Reading) -> Iterator[ReadPicture]:
    """Yield what is read, in the order of the pictures; one that cannot be loaded is yielded with its problem.

    Crops are read in batches, pages one by one; no more than a batch is in memory.

    Args:
        reader: of words and pages.
        pictures: what `segrec.pages.inputs.sources` yields.
        settings: how to read them.

    Raises:
        ValueError: the polygons are none.
    """
    waiting: list[tuple[str, Array]] = []
    for source in pictures:
        try:
            image = source.load()
        except DataError as error:
            yield from _read_crops(reader, waiting, settings)
            yield ReadPicture(source.name, None, (), False, str(error))
            continue
        if _is_page(image, source, settings):
            yield from _read_crops(reader, waiting, settings)
            yield _read_page(reader, source.name, image, settings)
            continue
        waiting.append((source.name, image))
        if len(waiting) == BATCH or sum(crop.shape[0] * crop.shape[1] for _, crop in waiting) > MOST_PIXELS:
            yield from _read_crops(reader, waiting, settings)
    yield from _read_crops(reader, waiting, settings)


def _is_page(image: Array, source: Source, settings: Reading) -> bool:
    if settings.polygons is not None:
        return True
    if settings.kind != "auto" or source.is_word:
        return settings.kind == "page" and not source.is_word
    height, width = image.shape[:2]
    return bool(height > SCENE_HEIGHT or height * width > LARGEST_CROP)


def _read_page(reader: Reader, name: str, image: Array, settings: Reading) -> ReadPicture:
    if settings.polygons is not None:
        words = reader.read_regions(image, settings.polygons, lexicon=settings.lexicon, turns=settings.turns)
    else:
        words = reader.read_page(image, settings.detector, lexicon=settings.lexicon, lines=settings.lines)
    give_back_freed()
    return ReadPicture(name, image, tuple(words), is_page=True)


def _read_crops(reader: Reader, waiting: list[tuple[str, Array]], settings: Reading) -> Iterator[ReadPicture]:
    """Read and forget the crops that wait."""
    if not waiting:
        return
    batch = waiting[:]
    waiting.clear()
    crops = [crop for _, crop in batch]
    words = reader.read(crops, batch_size=BATCH, lexicon=settings.lexicon, turns=settings.turns)
    give_back_freed()  # before a word is handed on: whoever takes the words would hold it as well
    for (name, crop), word in zip(batch, words, strict=True):
        yield ReadPicture(name, crop, (word,), is_page=False)

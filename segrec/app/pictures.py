"""Pictures on their way to the page: what both recognizers read, and the masks to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segmenter.preprocess import rescale
from segrec.app.networks import Networks
from segrec.core.errors import ConfigError, DataError
from segrec.core.images import Array, encode_jpeg, encode_png, read_image
from segrec.core.polygons import cut_region
from segrec.data.masks.predicted import mask_bytes
from segrec.jobs.read_pictures import Kind, Reading, read_pictures
from segrec.pages.inputs import Source
from segrec.pages.quadrangles import Points
from segrec.pages.word import ReadPicture, Word
from segrec.reports.page_overlay import page_overlay
from segrec.reports.report_words import Picture, embedded

MOST_PICTURES = 64
"""Pictures that are read at once."""
LONGEST_READ = 4096
"""Longest side of a photograph at which words are cut out and drawn; larger ones are shrunk for that."""
LONGEST_SHOWN = 1280
"""Longest side of the maps and pictures that are shown."""


class ComparedWord(NamedTuple):
    """A word as both recognizers read it.

    Attributes:
        pictures: the crop, its text mask, and of a picture of one word its region mask.
        outline: (P, 2) float32, x and y in shares of the picture's sides.
        control: read without a mask.
        masked: read with one.
    """

    pictures: Sequence[Picture]
    outline: Points
    control: Word
    masked: Word

    @property
    def differs(self) -> bool:
        """Whether the mask changed the reading."""
        return self.control.text != self.masked.text


class SeenPicture(NamedTuple):
    """A picture as it is shown, or why it is not.

    Attributes:
        name: of the user's file.
        path: of what was uploaded.
        words: of a photograph in reading order; of a crop exactly one.
        is_page: whether words were looked for.
        overlay: JPEG bytes of the picture with strokes, outlines and readings.
        text: PNG bytes of the text mask.
        region: PNG bytes of the region mask; None where the segmenter knows no regions.
        problem: why it was not read; None where it was.
    """

    name: str
    path: str
    words: tuple[ComparedWord, ...] = ()
    is_page: bool = False
    overlay: bytes = b""
    text: bytes = b""
    region: bytes | None = None
    problem: str | None = None


def see_pictures(networks: Networks, paths: Sequence[str], kind: Kind = "auto") -> list[SeenPicture]:
    """Return what is seen in picture files; one that cannot be read comes back with its problem.

    Args:
        networks: to mask and read with.
        paths: of the files.
        kind: as for `segrec.jobs.read_pictures.Reading`.

    Raises:
        ConfigError: these are more than `MOST_PICTURES`.
    """
    if len(paths) > MOST_PICTURES:
        raise ConfigError(
            f"{len(paths)} pictures are too many at once: drop up to {MOST_PICTURES}; segrec read takes any number"
        )
    sources = [Source(path, partial(_load, path)) for path in paths]
    return list(_seen(networks, read_pictures(networks.reader, sources, Reading(kind=kind))))


def open_picture(path: str) -> Array:
    """Return a picture file as (H, W, 3) uint8 RGB.

    Raises:
        DataError: it cannot be read; the message names the user's file, not where it was uploaded to.
    """
    try:
        return read_image(path)
    except DataError as error:
        raise DataError(str(error).replace(path, Path(path).name)) from error


def _load(path: str) -> Array:
    return _shrunk(open_picture(path), LONGEST_READ)


def _seen(networks: Networks, pictures: Iterator[ReadPicture]) -> Iterator[SeenPicture]:
    for picture in pictures:
        shown = replace(picture, name=Path(picture.name).name)
        if picture.image is None:
            yield SeenPicture(shown.name, picture.name, problem=picture.problem)
        else:
            yield _shown(networks, shown, picture.image, picture.name)


def _shown(networks: Networks, picture: ReadPicture, image: Array, path: str) -> SeenPicture:
    outlines = [picture.outline(word) for word in picture.words]
    reader = networks.control
    control = reader.read_regions(image, outlines) if picture.is_page else reader.read([image])
    text, region = _maps(networks, image, picture.is_page)
    sides = np.array([image.shape[1], image.shape[0]], np.float32)
    words = tuple(
        ComparedWord(_word_pictures(picture, word, image, region), outline / sides, plain, word)
        for plain, word, outline in zip(control, picture.words, outlines, strict=True)
    )
    return SeenPicture(
        picture.name,
        path,
        words,
        picture.is_page,
        encode_jpeg(_shrunk(page_overlay(picture), LONGEST_SHOWN), 90),
        encode_png(text),
        None if region is None else encode_png(region),
    )


def _maps(networks: Networks, image: Array, is_page: bool) -> tuple[Array, Array | None]:
    """Return the text and the region mask of a whole picture, (h, w) uint8, at most `LONGEST_SHOWN` large."""
    segmenter = networks.segmenter
    shown = _shrunk(image, LONGEST_SHOWN)
    if is_page:
        segmenter = segmenter.for_scenes()
    if not segmenter.has_region:
        return mask_bytes(segmenter.predict_text([shown])[0]), None
    masks = segmenter.predict([shown])[0]
    return mask_bytes(masks.text), mask_bytes(masks.region)


def _word_pictures(picture: ReadPicture, word: Word, image: Array, region: Array | None) -> list[Picture]:
    if word.polygon is None:
        shown = [embedded(image, "the word"), embedded(mask_bytes(word.mask), "its text mask")]
        return shown if region is None else [*shown, embedded(region, "its region mask")]
    crop = cut_region(image, word.polygon)
    masks = [embedded(mask_bytes(word.mask), "its text mask")]
    return masks if crop is None else [embedded(crop, "the word"), *masks]


def _shrunk(image: Array, longest: int) -> Array:
    """Return a picture whose longest side is at most `longest` pixels."""
    scale = min(1.0, longest / max(image.shape[:2]))
    return rescale(image, (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))))

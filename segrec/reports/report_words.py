"""Words that a mask repaired or broke: their pictures and what each variant read, ready to be shown."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import NamedTuple

import numpy as np

from segrec.core.images import Array, encode_jpeg, encode_png, resize
from segrec.reports.overlay import overlay, tint_for

SHOWN_SIZE = (128, 640)
"""Word images larger than this height or width are shrunk before they go into the file."""

MISSING = "_"


class WordReading(NamedTuple):
    """What one variant read of a word.

    Attributes:
        mask, model: the variant.
        text: what it read, in most of its seeds.
        right: in how many seeds it read the word right.
        seeds: how many it has.
    """

    mask: str
    model: str
    text: str
    right: int
    seeds: int = 1


class TextPiece(NamedTuple):
    """A part of a reading: `same` as in the truth, `wrong`, or as many low lines as characters are `missing` there."""

    kind: str
    text: str
    missing: str = ""


class Picture(NamedTuple):
    """An image inside a page: its data URI, what it shows, and its size."""

    source: str
    alt: str
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class WordPicture:
    """One word as it was seen and read.

    Attributes:
        crop: (H, W, 3) uint8 RGB.
        mask: (h, w) uint8, 0..255, of any size, that the judged variant was shown; None where it shows no text.
        truth: the label, in the form in which readings are compared with it.
        before: of the variant on the other side of the comparison.
        after: of the judged variant.
        others: of all other variants.

    Raises:
        ValueError: the crop or the mask has another shape or type.
    """

    crop: Array
    mask: Array | None
    truth: str
    before: WordReading
    after: WordReading
    others: Sequence[WordReading] = ()

    def __post_init__(self) -> None:
        crop, mask = self.crop, self.mask
        if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8 or not crop.size:
            raise ValueError(f"a crop must be (H, W, 3) uint8, got {crop.shape} {crop.dtype}")
        if mask is not None and (mask.ndim != 2 or mask.dtype != np.uint8 or not mask.size):
            raise ValueError(f"a mask must be (H, W) uint8, got {mask.shape} {mask.dtype}")

    @property
    def readings(self) -> list[WordReading]:
        """All readings, those that are compared first."""
        return [self.before, self.after, *self.others]

    @cached_property
    def pictures(self) -> list[Picture]:
        """The crop, and where there is a mask the crop with the mask tinted over it and the mask itself."""
        crop = _shrunk(self.crop)
        shown = [embedded(crop, f"Word image \u201c{self.truth}\u201d")]
        if self.mask is not None:
            mask = _fitted(self.mask, crop)
            tinted = overlay(crop, mask, color=tint_for(crop))
            shown += [embedded(tinted, "The same with its mask tinted over it"), embedded(mask, "Its mask")]
        return shown

    def pieces(self, reading: WordReading) -> list[TextPiece]:
        """Return a reading in parts, so that what differs from the truth can be marked."""
        found = []
        text, truth = reading.text, self.truth
        for kind, start, end, first, last in SequenceMatcher(None, truth, text, autojunk=False).get_opcodes():
            if kind == "equal":
                found.append(TextPiece("same", text[first:last]))
            elif kind == "delete":
                found.append(TextPiece("missing", MISSING * (end - start), truth[start:end]))
            else:
                found.append(TextPiece("wrong", text[first:last]))
        return found if text else []


@dataclass(frozen=True)
class WordGroup:
    """The words of one dataset that one variant's masks repaired and broke.

    Attributes:
        dataset, mask, model: the judged variant and its words.
        over: the other side, in words.
        repaired, broken: how many words.
        shown_repaired, shown_broken: the first of them.
    """

    dataset: str
    mask: str
    model: str
    over: str
    repaired: int
    broken: int
    shown_repaired: Sequence[WordPicture] = ()
    shown_broken: Sequence[WordPicture] = ()


def embedded(pixels: Array, alt: str) -> Picture:
    """Return a word image or mask as an image inside a page; larger ones are shrunk to `SHOWN_SIZE`.

    Args:
        pixels: (H, W, 3) uint8 RGB, or a mask (H, W) uint8.
        alt: what it shows.
    """
    shown = _shrunk(pixels)
    form, data = ("png", encode_png(shown, 9)) if shown.ndim == 2 else ("jpeg", encode_jpeg(shown, 92))
    source = f"data:image/{form};base64,{b64encode(data).decode('ascii')}"
    return Picture(source, alt, shown.shape[0], shown.shape[1])


def _shrunk(crop: Array) -> Array:
    height, width = crop.shape[:2]
    scale = min(1.0, SHOWN_SIZE[0] / height, SHOWN_SIZE[1] / width)
    return crop if scale == 1 else resize(crop, (max(1, round(height * scale)), max(1, round(width * scale))), "area")


def _fitted(mask: Array, crop: Array) -> Array:
    """Return the mask at the size of the shown crop, so that strokes and image line up."""
    height, width = crop.shape[:2]
    return resize(mask, (height, width), "area" if mask.shape[0] > height else "bilinear")

"""A word as read, and a picture with all that was read in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array
from segrec.pages.quadrangles import Points
from segrec.pages.reading_order import read_in_blocks


class Word(NamedTuple):
    """One word as read.

    Attributes:
        text: what it says; empty when nothing was found.
        confidence: in [0, 1].
        character_confidences: in [0, 1], one per character.
        mask: (H, W) float32 in [0, 1], the text mask at the crop's size; all 0 from a reader without a segmenter.
        polygon: (P, 2) float32 x and y in the picture's pixels, the outline of a region; None for a crop.
        character_boxes: (C, 4, 2) float32, x and y in pixels of the picture, or of the crop where there is no polygon:
            the corners of each character, clockwise from its upper left. None where they are not known: with a beam, or
            where a lexicon changed the text.
    """

    text: str
    confidence: float
    character_confidences: tuple[float, ...]
    mask: NDArray[np.float32]
    polygon: Points | None = None
    character_boxes: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class ReadPicture:
    """One picture and what was read in it, or why it was not read.

    Attributes:
        name: path, or path and number of the word in a database.
        image: (H, W, 3) uint8 RGB; None where it could not be read.
        words: of a page in reading order; of a crop exactly one.
        is_page: whether words were looked for, rather than the whole picture taken for one.
        problem: why it was not read; None where it was.
    """

    name: str
    image: Array | None
    words: tuple[Word, ...]
    is_page: bool
    problem: str | None = None

    @property
    def blocks(self) -> list[list[list[Word]]]:
        """The words in blocks of lines; a crop's has no outline of its own and is the only one."""
        if not self.is_page:
            return [[list(self.words)]]
        outlines = [word.polygon for word in self.words if word.polygon is not None]
        return [[[self.words[place] for place in line] for line in block] for block in read_in_blocks(outlines)]

    @property
    def text(self) -> str:
        """The texts of the words, with spaces within a line and line feeds between lines and blocks."""
        return "\n".join(" ".join(word.text for word in line) for block in self.blocks for line in block)

    def outline(self, word: Word) -> Points:
        """Return a word's outline (P, 2) in pixels: its own, or the whole crop."""
        if word.polygon is not None:
            return word.polygon
        height, width = word.mask.shape
        return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)

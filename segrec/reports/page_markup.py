"""Pages as elements of ALTO 4 (Library of Congress) and of hOCR 1.2."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from segrec.pages.quadrangles import Points
from segrec.pages.word import ReadPicture, Word


class _Box(NamedTuple):
    """An upright box in whole pixels."""

    left: int
    top: int
    right: int
    bottom: int

    def alto(self) -> str:
        """As ALTO's attributes."""
        width, height = self.right - self.left, self.bottom - self.top
        return f'HPOS="{self.left}" VPOS="{self.top}" WIDTH="{width}" HEIGHT="{height}"'

    def hocr(self) -> str:
        """As hOCR's property."""
        return f"bbox {self.left} {self.top} {self.right} {self.bottom}"


def alto_page(picture: ReadPicture, number: int) -> str:
    """Return a `Page` with its blocks, lines and words; characters are `Glyph`s where their boxes are known.

    Args:
        picture: what was read; one that was not gives a page without words and its problem as a comment.
        number: 0-based.
    """
    name = f"p{number + 1}"
    height, width = picture.image.shape[:2] if picture.image is not None else (0, 0)
    lines = [
        f'<Page ID="{name}" PHYSICAL_IMG_NR="{number + 1}" HEIGHT="{height}" WIDTH="{width}">',
        _comment(picture),
        f'<PrintSpace HPOS="0" VPOS="0" WIDTH="{width}" HEIGHT="{height}">',
    ]
    for place, block in enumerate(picture.blocks if picture.words else []):
        lines.append(
            f'<TextBlock ID="{name}b{place + 1}" {_around(picture, [w for line in block for w in line]).alto()}>'
        )
        for row, line in enumerate(block):
            own = f"{name}b{place + 1}l{row + 1}"
            lines.append(f'<TextLine ID="{own}" {_around(picture, line).alto()}>')
            parts = [_alto_word(picture, word, f"{own}w{column + 1}") for column, word in enumerate(line)]
            lines.append("\n<SP/>\n".join(parts))
            lines.append("</TextLine>")
        lines.append("</TextBlock>")
    return "\n".join([*(line for line in lines if line), "</PrintSpace>", "</Page>", ""])


def _alto_word(picture: ReadPicture, word: Word, name: str) -> str:
    outline = picture.outline(word)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
    glyphs = ""
    if word.character_boxes is not None:
        glyphs = "".join(
            f'<Glyph ID="{name}g{place + 1}" CONTENT={_attribute(character)} GC="{confidence:.2f}" '
            f"{_box(corners).alto()}/>"
            for place, (character, confidence, corners) in enumerate(
                zip(word.text, word.character_confidences, word.character_boxes, strict=True)
            )
        )
    return (
        f'<String ID="{name}" CONTENT={_attribute(word.text)} WC="{word.confidence:.2f}" {_box(outline).alto()}>'
        f'<Shape><Polygon POINTS="{points}"/></Shape>{glyphs}</String>'
    )


def hocr_page(picture: ReadPicture, number: int) -> str:
    """Return an `ocr_page` with its areas, lines and words; for arguments see `alto_page`."""
    name = number + 1
    height, width = picture.image.shape[:2] if picture.image is not None else (0, 0)
    title = f'image "{picture.name}"; bbox 0 0 {width} {height}; ppageno {number}'
    lines = [f"<div class='ocr_page' id='page_{name}' title={_attribute(title)}>", _comment(picture)]
    for place, block in enumerate(picture.blocks if picture.words else []):
        around = _around(picture, [word for line in block for word in line])
        lines.append(f"<div class='ocr_carea' id='block_{name}_{place + 1}' title='{around.hocr()}'>")
        for row, line in enumerate(block):
            own = f"{name}_{place + 1}_{row + 1}"
            lines.append(f"<span class='ocr_line' id='line_{own}' title='{_around(picture, line).hocr()}'>")
            lines += [_hocr_word(picture, word, f"{own}_{column + 1}") for column, word in enumerate(line)]
            lines.append("</span>")
        lines.append("</div>")
    return "\n".join([*(line for line in lines if line), "</div>", ""])


def _hocr_word(picture: ReadPicture, word: Word, name: str) -> str:
    outline = picture.outline(word)
    points = " ".join(f"{round(float(x))} {round(float(y))}" for x, y in outline)
    title = f"{_box(outline).hocr()}; poly {points}; x_wconf {round(100 * word.confidence)}"
    return f"<span class='ocrx_word' id='word_{name}' title='{title}'>{_escaped(word.text)}</span>"


def _around(picture: ReadPicture, words: Iterable[Word]) -> _Box:
    return _box(np.concatenate([picture.outline(word) for word in words]))


def _box(points: Points) -> _Box:
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return _Box(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))


def _attribute(text: str) -> str:
    return quoteattr("".join(_allowed(text)))


def _escaped(text: str) -> str:
    return escape("".join(_allowed(text)))


def _allowed(text: str) -> Sequence[str]:
    """Return the characters that XML allows; control characters are none."""
    return [character for character in text if character >= " " or character in "\t\n\r"]


def _comment(picture: ReadPicture) -> str:
    if picture.problem is None:
        return ""
    return f"<!-- {re.sub('-(?=-)', '- ', ''.join(_allowed(picture.problem)))} -->"

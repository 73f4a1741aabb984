"""What was read in pictures as text, JSON, CSV, ALTO and hOCR, written picture by picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from segrec.core.printable import printable
from segrec.core.tables import csv_lines
from segrec.pages.word import ReadPicture, Word
from segrec.reports.page_markup import alto_page, hocr_page

ALTO_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">
<Description><MeasurementUnit>pixel</MeasurementUnit></Description>
<Layout>
"""
ALTO_TAIL = "</Layout>\n</alto>\n"
HOCR_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<title>segrec</title>
<meta name="ocr-system" content="segrec" />
<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_line ocrx_word" />
</head>
<body>
"""
HOCR_TAIL = "</body>\n</html>\n"
CSV_COLUMNS = ("image", "word", "text", "confidence", "polygon", "error")


class PageFormat(NamedTuple):
    """How pictures are written: what comes first, a picture with its 0-based number, what lies between, and the end."""

    head: str
    picture: Callable[[ReadPicture, int], str]
    between: str
    tail: str

    def written(self, pictures: Iterator[ReadPicture]) -> Iterator[str]:
        """Yield the parts of a whole document."""
        yield self.head
        for number, picture in enumerate(pictures):
            yield (self.between if number else "") + self.picture(picture, number)
        yield self.tail


def _text(picture: ReadPicture, number: int) -> str:
    if picture.problem is not None:
        return f"{printable(picture.name)}\t\terror\n"
    name = printable(picture.name)
    found = [(word.text, round(word.confidence, 4)) for word in picture.words] or [("", 0.0)]
    return "".join(f"{name}\t{printable(text)}\t{confidence}\n" for text, confidence in found)


def _json(picture: ReadPicture, number: int) -> str:
    if picture.problem is not None:
        row: dict[str, Any] = {"image": picture.name, "error": picture.problem}
    elif picture.is_page:
        words = [{**_word_row(word), "polygon": _corners(picture, word)} for word in picture.words]
        row = {"image": picture.name, "text": picture.text, "words": words}
    else:
        row = {"image": picture.name, **_word_row(picture.words[0])}
    return "  " + json.dumps(row, indent=2, ensure_ascii=False).replace("\n", "\n  ")


def _word_row(word: Word) -> dict[str, Any]:
    row: dict[str, Any] = {
        "text": word.text,
        "confidence": round(word.confidence, 4),
        "character_confidences": [round(value, 4) for value in word.character_confidences],
    }
    if word.character_boxes is not None:
        row["character_boxes"] = [
            [[round(float(x), 1), round(float(y), 1)] for x, y in box] for box in word.character_boxes
        ]
    return row


def _corners(picture: ReadPicture, word: Word) -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in picture.outline(word)]


def _csv(picture: ReadPicture, number: int) -> str:
    if picture.problem is not None:
        return csv_lines([(picture.name, "", "", "", "", picture.problem)])
    rows = []
    for place, word in enumerate(picture.words, 1):
        outline = " ".join(f"{x:g},{y:g}" for x, y in _corners(picture, word)) if picture.is_page else ""
        rows.append((picture.name, place, word.text, round(word.confidence, 4), outline, ""))
    return csv_lines(rows)


FORMATS = {
    "text": PageFormat("", _text, "", ""),
    "json": PageFormat("[\n", _json, ",\n", "\n]\n"),
    "csv": PageFormat(csv_lines([CSV_COLUMNS]), _csv, "", ""),
    "alto": PageFormat(ALTO_HEAD, alto_page, "", ALTO_TAIL),
    "hocr": PageFormat(HOCR_HEAD, hocr_page, "", HOCR_TAIL),
}
"""The formats by name."""

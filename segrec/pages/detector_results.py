"""What RapidOCR, docTR and EasyOCR return, as regions of words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from segrec.pages.quadrangles import Points
from segrec.pages.regions import as_polygons


def regions_of(result: Any, size: tuple[int, int]) -> list[Points]:
    """Return the outlines, (P, 2) float32 in pixels, of what a detector or an OCR pipeline found in one picture.

    Known by their shape, without importing the packages:

    - RapidOCR: its output objects, with `.boxes`;
    - docTR: a `Document` of one page, a `Page`, or the list of one dict that its detection predictor returns;
    - EasyOCR: `readtext`'s (corners, text, confidence), and `detect`'s boxes (left, right, top, bottom) and corners;
    - everything that `as_polygons` takes.

    Args:
        result: see above.
        size: (height, width) of the picture.

    Raises:
        ValueError: it is nothing of these, or holds several pages.
    """
    if result is None:
        return []
    if hasattr(result, "boxes"):
        return as_polygons([] if result.boxes is None else result.boxes, size)
    if hasattr(result, "pages"):
        return regions_of(_only(result.pages, "page"), size)
    if hasattr(result, "blocks"):
        words = [word.geometry for block in result.blocks for line in block.lines for word in line.words]
        return as_polygons(words, size)
    if isinstance(result, Mapping):
        return as_polygons([region for group in result.values() for region in group], size)
    if isinstance(result, tuple) and len(result) == 2 and all(isinstance(part, list) for part in result):
        return as_polygons(list(_easyocr_detected(*result)), size)
    if isinstance(result, list) and len(result) == 1 and isinstance(result[0], Mapping):
        return regions_of(result[0], size)
    if isinstance(result, list) and result and all(_is_easyocr_row(row) for row in result):
        return as_polygons([row[0] for row in result], size)
    return as_polygons(result, size)


def _only(parts: Any, name: str) -> Any:
    if len(parts) != 1:
        raise ValueError(f"a detector's result must be of one {name}, got {len(parts)}; give the pictures one by one")
    return parts[0]


def _is_easyocr_row(row: Any) -> bool:
    """Return whether it is (corners, text) or (corners, text, confidence)."""
    return isinstance(row, tuple | list) and len(row) in (2, 3) and isinstance(row[1], str)


def _easyocr_detected(level: list[Any], free: list[Any]) -> Iterator[Any]:
    """Yield the regions of `easyocr.Reader.detect`: lists of one picture's boxes and of its corners."""
    for left, right, top, bottom in _only(level, "picture"):
        yield np.array([left, top, right, bottom])
    yield from _only(free, "picture")

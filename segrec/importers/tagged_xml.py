"""The XML of SVT and ICDAR-2003: scenes with tagged rectangles."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from segrec.core.errors import DataError
from segrec.core.regular import MOST_TEXT_BYTES, read_regular
from segrec.importers.base import Crop, FileImporter, Skip, count_in_file

DEEPEST, MOST_ELEMENTS, LONGEST_PART = 100, 250_000, 1_000_000
"""Levels, elements, and bytes of a tag or a text, of which a list of words has far fewer."""
LONGEST_NUMBER = 40
_EXCESS = f"more than {DEEPEST} levels or {MOST_ELEMENTS:,} elements"
SIDES = ("x", "y", "width", "height")


def elements(path: str | os.PathLike[str], tag: str) -> Iterator[Element]:
    """Yield the elements `tag` of an XML file one by one; each is emptied when the next one is asked for.

    Raises:
        DataError: the file cannot be read or is not XML; names the line.
    """
    try:
        content = read_regular(path, most=MOST_TEXT_BYTES)
        _check_parts(content, path)
        depth = count = 0
        for event, element in ElementTree.iterparse(io.BytesIO(content), ("start", "end")):
            depth += 1 if event == "start" else -1
            count += event == "start"
            if depth > DEEPEST or count > MOST_ELEMENTS:
                raise DataError(f"{path}: no list of words ({_EXCESS}); fetch it again")
            if event == "end" and element.tag == tag:
                yield element
                element.clear()
    except ElementTree.ParseError as error:
        raise DataError(f"{path}, line {error.position[0]}: no XML ({error}); fetch it again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _check_parts(content: bytes, path: str | os.PathLike[str]) -> None:
    """Refuse what a parser would look at again and again: a tag or text of megabytes."""
    begin = 0
    while begin < len(content):
        end = content.find(b">", begin)
        end = len(content) if end < 0 else end
        if end - begin > LONGEST_PART:
            raise DataError(f"{path}: no list of words (a tag or text of {end - begin:,} bytes); fetch it again")
        begin = end + 1


class TaggedScenes(FileImporter):
    """The rectangles of an XML file of scenes.

    Args:
        file: with elements `image` of `imageName`, `taggedRectangles` and, in SVT, `lex`.
    """

    def count(self) -> int:
        """Return the number of rectangles."""
        return count_in_file(self._file, b"<taggedRectangle ")

    def items(self) -> Iterator[Crop | Skip]:
        """Yield each rectangle's word, with the lexicon of its scene."""
        for number, image in enumerate(elements(self._file, "image"), start=1):
            scene = (image.findtext("imageName") or "").strip()
            if not scene:
                raise DataError(f"{self._file}, image {number}: expected an imageName, found none")
            words = [word.strip() for word in (image.findtext("lex") or "").split(",") if word.strip()]
            lexicons = {"lexicon": words} if words else {}
            for order, box in enumerate(image.iter("taggedRectangle"), start=1):
                name = f"{scene}#{order}"
                outline = self._outline(box, name)
                label = (box.findtext("tag") or "").strip()
                yield Crop(str(self._file.parent / scene), name, label, outline, lexicons)

    def _outline(self, box: Element, name: str) -> tuple[tuple[float, float], tuple[float, float]]:
        try:
            left, top, width, height = (float(box.attrib[side][:LONGEST_NUMBER]) for side in SIDES)
        except (KeyError, ValueError) as error:
            raise DataError(
                f"{self._file}, {name}: expected a taggedRectangle with numbers {', '.join(SIDES)}, "
                f"got {str(box.attrib)[:200]}"
            ) from error
        return (left, top), (left + width, top + height)

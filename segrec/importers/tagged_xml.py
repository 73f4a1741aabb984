"""The XML of SVT and ICDAR-2003: scenes with tagged rectangles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from segrec.core.errors import DataError
from segrec.importers.base import Crop, FileImporter, Skip, count_in_file

SIDES = ("x", "y", "width", "height")


def elements(path: str | os.PathLike[str], tag: str) -> Iterator[Element]:
    """Yield the elements `tag` of an XML file one by one; each is emptied when the next one is asked for.

    Raises:
        DataError: the file cannot be read or is no XML; names the line.
    """
    try:
        for _, element in ElementTree.iterparse(path):
            if element.tag == tag:
                yield element
                element.clear()
    except ElementTree.ParseError as error:
        raise DataError(f"{path}, line {error.position[0]}: no XML ({error}); fetch it again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


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
            left, top, width, height = (float(box.attrib[side]) for side in SIDES)
        except (KeyError, ValueError) as error:
            raise DataError(
                f"{self._file}, {name}: expected a taggedRectangle with numbers {', '.join(SIDES)}, got {box.attrib}"
            ) from error
        return (left, top), (left + width, top + height)

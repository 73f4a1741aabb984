"""What every importer gives, and the steps that they share."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from segrec.core.errors import DataError
from segrec.core.regular import MOST_LIST_BYTES, open_regular

LAYOUTS = "see the layouts in docs/datasets.md"
BYTES_AT_ONCE = 1 << 20
LONGEST_LINE = 1_000_000
"""Bytes; a longer one is not a line of a list."""

Outline = tuple[tuple[float, float], ...]
"""Points (x, y) in pixels; they may lie outside the picture."""


class Crop(NamedTuple):
    """A word that a release names.

    Attributes:
        picture: the file that shows it.
        name: the picture as the release writes it, with `#1`, `#2`, ... for the words of a scene; names it in messages
            and in lists of names.
        label: what it says.
        outline: where in the picture it is; None for a picture that shows nothing else.
        lexicons: words that it may be, by the stem of the file that they are written to.
    """

    picture: str
    name: str
    label: str
    outline: Outline | None = None
    lexicons: Mapping[str, Sequence[str]] = {}


class Skip(NamedTuple):
    """A word that is left out: its name and the reason, which words of the same fate share."""

    name: str
    reason: str
    detail: str = ""


class Importer(ABC):
    """The words of a release in an order of its own; the same files give the same order.

    Attributes:
        annotations: the files that say what there is, without the pictures.
    """

    def __init__(self, annotations: Sequence[Path]) -> None:
        self.annotations = annotations

    @abstractmethod
    def count(self) -> int:
        """Return how many items there are, for the time left."""

    @abstractmethod
    def items(self) -> Iterator[Crop | Skip]:
        """Yield them one by one.

        Raises:
            DataError: names file and line.
        """


class FileImporter(Importer):
    """A release of which one file says what there is."""

    def __init__(self, file: Path) -> None:
        super().__init__([file])
        self._file = file


class LineImporter(FileImporter):
    """A release whose one file names a crop in each line."""

    def count(self) -> int:
        """Return the number of lines."""
        return count_lines(self._file)

    def items(self) -> Iterator[Crop | Skip]:
        """Yield the crop of each line."""
        for number, line in numbered_lines(self._file):
            crop = self.crop(line)
            if crop is None:
                raise DataError(f"{self._file}, line {number}: expected {self.expected}, got {line[:80]!r}")
            yield crop

    @property
    @abstractmethod
    def expected(self) -> str:
        """What a line looks like, for people."""

    @abstractmethod
    def crop(self, line: str) -> Crop | Skip | None:
        """Return the crop that a line names, or why it is left out; None for a line that looks otherwise."""


def numbered_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """Yield number, from 1, and text of the lines of a UTF-8 file that are not blank, without a byte-order mark.

    Raises:
        DataError: the file cannot be read, or a line is not UTF-8; names file and line.
    """
    try:
        with open_regular(path, most=MOST_LIST_BYTES) as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
                if len(line) == LONGEST_LINE:
                    raise DataError(f"{path}, line {number}: more than {LONGEST_LINE:,} bytes; is it the right file?")
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    raise DataError(
                        f"{path}, line {number}: no UTF-8 text ({error.reason}); save it as UTF-8"
                    ) from error
                if text.strip():
                    yield number, text
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def count_in_file(path: str | os.PathLike[str], what: bytes) -> int:
    """Return how often the bytes `what` occur in a file, without holding it in memory.

    Raises:
        DataError: the file cannot be read.
    """
    found, rest = 0, b""
    try:
        with open_regular(path, most=MOST_LIST_BYTES) as file:
            while block := file.read(BYTES_AT_ONCE):
                found += (rest + block).count(what)
                rest = block[len(block) - len(what) + 1 :] if len(what) > 1 else b""
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    return found


def count_lines(path: str | os.PathLike[str]) -> int:
    """Return the number of lines of a file, the last one also without its end."""
    ends = count_in_file(path, b"\n")
    with open_regular(path, most=MOST_LIST_BYTES) as file:
        if not file.seek(0, os.SEEK_END):
            return 0
        file.seek(-1, os.SEEK_END)
        return ends + (file.read(1) != b"\n")


def first_file(root: str | os.PathLike[str], names: Sequence[str], release: str) -> Path:
    """Return the first of the files `names` that exists below `root`.

    Raises:
        DataError: none does; says what was expected.
    """
    found = next((Path(root) / name for name in names if (Path(root) / name).is_file()), None)
    if found is None:
        raise DataError(f"{root} holds no {release}: expected the file {' or '.join(names)} in it; {LAYOUTS}")
    return found

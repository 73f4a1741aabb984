"""Pictures named on a command line: files, folders, patterns, standard input and word databases."""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from segrec.core.errors import DataError
from segrec.core.images import Array, decode_image, read_image
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.regular import MOST_PICTURE_BYTES
from segrec.data.words import WordLmdb

STDIN = "-"
SUFFIXES = frozenset(
    ".avif .bmp .dib .gif .jfif .jpe .jpeg .jpg .jp2 .pbm .pgm .png .pnm .ppm .tga .tif .tiff .webp".split()  # noqa: SIM905
)
"""Endings of the files that are taken from a folder, whatever their case."""
RELEASED_EVERY = 256
"""Words of a database after which the memory of its pages is given back."""


class Source(NamedTuple):
    """A picture that can be loaded.

    Attributes:
        name: to be shown.
        load: gives (H, W, 3) uint8 RGB, or raises DataError.
        is_word: whether it is surely one word.
    """

    name: str
    load: Callable[[], Array]
    is_word: bool = False


def sources(arguments: Iterable[str]) -> Iterator[Source]:
    """Yield the pictures that arguments stand for, in order; those of a folder by name.

    Args:
        arguments: files; folders, with all that lies below them; word databases; patterns with `*`, `?` or `[...]`, of
            which `**` reaches down; and `-`, one picture on standard input.

    Raises:
        DataError: a folder holds no picture, or a pattern fits nothing.
    """
    for argument in arguments:
        if argument == STDIN:
            yield Source("stdin", _from_stdin)
            continue
        path = Path(argument)
        if (path / DATA_FILE).exists():
            yield from _words(path)
        elif path.is_dir():
            yield from (_file(found) for found in _in_folder(path))
        elif not path.exists() and glob.has_magic(argument):
            yield from _fitting(argument)
        else:
            yield _file(path)


def _file(path: Path) -> Source:
    return Source(str(path), lambda: read_image(path))


def _in_folder(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise DataError(f"{folder} holds no picture; its files must end as in .jpg or .png")
    return found


def _fitting(pattern: str) -> Iterator[Source]:
    found = sorted(path for path in glob.glob(pattern, recursive=True) if Path(path).is_file())
    if not found:
        raise DataError(f"no file fits the pattern {pattern}")
    return (_file(Path(path)) for path in found)


def _words(path: Path) -> Iterator[Source]:
    database = WordLmdb(path)
    for position in range(database.count()):
        if position % RELEASED_EVERY == 0:
            database.release()
        yield Source(f"{path}:{position + 1}", partial(_word, database, position), is_word=True)


def _word(database: WordLmdb, position: int) -> Array:
    word = database[position]
    if word.image is None:
        raise DataError(f"{database.path}: {word.problem}")
    return word.image


def _from_stdin() -> Array:
    try:
        data = sys.stdin.buffer.read(MOST_PICTURE_BYTES + 1)
        if len(data) > MOST_PICTURE_BYTES:
            raise DataError(f"more than the {MOST_PICTURE_BYTES:,} bytes that are read of a picture")
        return decode_image(data)
    except DataError as error:
        raise DataError(f"standard input: {error}") from error

"""What rendered data says about what it was rendered with, since other fonts or words give other pictures."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segrec.core.errors import DataError
from segrec.core.foreign_json import parse_json
from segrec.core.lmdb_io import LmdbReader

RENDER_KEY = b"rendering"
"""Key of the record in a word database, beside the words; `scenes.json` holds it under the same name."""
DIGITS = 16


@dataclass(frozen=True)
class RenderRecord:
    """The arguments of a rendering that decide its pictures.

    Attributes:
        style: of the words or scenes, see `styles`; `text-free` for scenes without text.
        seed: the series.
        fonts: how many; 1 with an empty list is Pillow's built-in font.
        fonts_digest: over the fonts' file names and sizes in the order in which they are drawn.
        words: how many words the lexicon has.
        words_digest: over them.
        backgrounds: how many photographs.
        backgrounds_digest: over their file names and sizes.
    """

    style: str
    seed: int
    fonts: int
    fonts_digest: str
    words: int
    words_digest: str
    backgrounds: int
    backgrounds_digest: str

    def to_json(self) -> bytes:
        """Return the record as UTF-8 JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True).encode("utf-8")

    @classmethod
    def of(cls, folder: str | os.PathLike[str]) -> RenderRecord | None:
        """Return the record of the word database in `folder`; None when it was not rendered, or before there was one.

        Raises:
            DataError: there is no database, or its record is damaged.
        """
        data = LmdbReader(folder).get(RENDER_KEY)
        if data is None:
            return None
        try:
            return cls.parse(parse_json(data))
        except ValueError as error:
            raise DataError(f"{folder}: the record of its rendering is damaged ({error}); render it again") from error

    @classmethod
    def parse(cls, content: Any) -> RenderRecord:
        """Return the record that `content`, read from JSON, holds.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls(**content)
        except TypeError as error:
            raise ValueError(str(error)) from error

    def facts(self) -> dict[str, str]:
        """Return name and value of what people want to know, in reading order."""
        photographs = f"{self.backgrounds}, digest {self.backgrounds_digest}" if self.backgrounds else "none"
        facts = {"rendered": f"style {self.style}, seed {self.seed}"}
        if self.fonts:
            facts["fonts"] = f"{self.fonts}, digest {self.fonts_digest}"
            facts["lexicon"] = f"{self.words} words, digest {self.words_digest}"
        return {**facts, "background photographs": photographs}


def files_digest(files: Iterable[str | os.PathLike[str]]) -> str:
    """Return a digest over the names and sizes of files, in their order; it does not tell where they lie.

    Raises:
        DataError: one is gone.
    """
    try:
        return words_digest(f"{Path(file).name} {os.path.getsize(file)}" for file in files)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"cannot read {error.filename}: {reason}; check --fonts and --backgrounds") from error


def words_digest(words: Iterable[str]) -> str:
    """Return a digest over words in their order, `DIGITS` hexadecimal digits."""
    return hashlib.sha256("".join(f"{word}\n" for word in words).encode()).hexdigest()[:DIGITS]

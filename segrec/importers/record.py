"""What a database of imported words says about where they come from and how far the import has come."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from segrec.core.errors import DataError
from segrec.core.files import file_digest
from segrec.core.foreign_json import parse_json
from segrec.core.lmdb_io import LmdbReader
from segrec.core.regular import MOST_LIST_BYTES
from segrec.importers.base import Skip
from segrec.importers.cut_settings import Encoding

IMPORT_KEY = b"import"
"""Key of the record, beside the words."""
FIRST_SKIPPED = 5
VERSION = 1


@dataclass(frozen=True)
class ImportPlan:
    """What is imported; a run goes on only with an equal plan, wherever the source lies today.

    Attributes:
        dataset: name of the importer.
        split: of the release.
        source: where it lay.
        annotations: see `annotations_digest`.
        filter: which labels, see `FILTERS`.
        names: digest of the list of names, or None.
        margin: see `CutSettings`.
        encoding: see `CutSettings`.
        outside: see `TabList`.
    """

    dataset: str
    split: str
    source: str
    annotations: str
    filter: str | None
    names: str | None
    margin: float
    encoding: Encoding
    outside: bool = False

    def difference(self, other: ImportPlan) -> str | None:
        """Return the first thing in which `other` asks for another import, in words, or None."""
        mine, theirs = asdict(self), asdict(other)
        for name in mine:
            if name != "source" and mine[name] != theirs[name]:
                return f"{name} {str(mine[name])[:12]}, not {str(theirs[name])[:12]}"
        return None


def annotations_digest(files: Sequence[Path]) -> str:
    """Return the SHA-256 over names and contents of annotation files.

    Raises:
        DataError: one cannot be read.
    """
    digest = hashlib.sha256()
    for file in files:
        try:
            digest.update(f"{file.name} {file_digest(file, most=MOST_LIST_BYTES)}\n".encode())
        except OSError as error:
            raise DataError(f"cannot read {file}: {error.strerror or error}") from error
    return digest.hexdigest()


@dataclass
class ImportProgress:
    """How far an import has come.

    Attributes:
        read: items of the release that are dealt with.
        words: those that are stored.
        skipped: how many of the others, by reason.
        examples: the first of them, by reason.
        lexicons: bytes written so far of each file of lexicons, by its stem.
        finished: nothing is left to read.
    """

    read: int = 0
    words: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    lexicons: dict[str, int] = field(default_factory=dict)
    finished: bool = False

    def skip(self, item: Skip) -> None:
        """Count an item that is left out; the first ones of a reason are remembered."""
        self.skipped[item.reason] = self.skipped.get(item.reason, 0) + 1
        examples = self.examples.setdefault(item.reason, [])
        if len(examples) < FIRST_SKIPPED:
            examples.append(f"{item.name} ({item.detail})" if item.detail else item.name)

    def summary(self) -> list[str]:
        """Return a line for each reason: the count, the reason and the first examples."""
        return [
            f"{count} skipped: {reason}; {'first' if count > len(self.examples[reason]) else 'namely'} "
            + ", ".join(self.examples[reason])
            for reason, count in self.skipped.items()
        ]


@dataclass(frozen=True)
class ImportRecord:
    """The plan and the progress, as a database keeps them under `IMPORT_KEY`."""

    plan: ImportPlan
    progress: ImportProgress

    def to_json(self) -> bytes:
        """Return the record as UTF-8 JSON with sorted keys."""
        return json.dumps({**asdict(self), "version": VERSION}, ensure_ascii=False, sort_keys=True).encode("utf-8")

    @classmethod
    def of(cls, folder: str | os.PathLike[str]) -> ImportRecord | None:
        """Return the record of the database in `folder`; None when it was not imported.

        Raises:
            DataError: there is no database, or its record is damaged or of a newer segrec.
        """
        data = LmdbReader(folder).get(IMPORT_KEY)
        if data is None:
            return None
        try:
            content: dict[str, Any] = parse_json(data)
            if content["version"] > VERSION:
                raise DataError(
                    f"{folder} was imported by a newer segrec (version {content['version']}); update segrec"
                )
            return cls(ImportPlan(**content["plan"]), ImportProgress(**content["progress"]))
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"{folder}: the record of its import is damaged ({repr(error)[:200]}); import again"
            ) from error

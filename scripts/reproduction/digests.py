"""Digests of what files hold, and of the facts on which a training or a row depends."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from segrec.core.errors import DataError
from segrec.core.files import file_digest

DIGITS = 10
"""Of a digest that stands in a file's name."""


def folder_digest(folder: Path) -> str:
    """Return the SHA-256 of all files below a folder: their names, seen from there, and their bytes.

    It does not tell where the folder lies. Hidden files are left out; links are followed.

    Raises:
        DataError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(_files(folder)):
        try:
            content = file_digest(path, most=None)
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror or error}") from error
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        folders[:] = [] if real in seen else [name for name in folders if name[0] != "."]
        if real not in seen:
            yield from (Path(parent) / name for name in names if name[0] != ".")
        seen.add(real)


def facts_digest(facts: Mapping[str, Any]) -> str:
    """Return a digest of facts that JSON can hold, for the name of what depends on them alone."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:DIGITS]

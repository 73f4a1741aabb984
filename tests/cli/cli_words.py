"""Small word databases made from rendered ones, with damage where a test wants it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from segrec.data.words import WordLmdb, WordWriter


def copy_words(
    source: Path,
    target: Path,
    count: int,
    *,
    images: Mapping[int, bytes] | None = None,
    labels: Sequence[str] | None = None,
) -> Path:
    """Write the first `count` words of `source`, over again where it has fewer.

    Args:
        images: bytes in place of the image with that 1-based index.
        labels: in place of the rendered ones.
    """
    words = WordLmdb(source)
    with WordWriter(target) as writer:
        for index in range(1, count + 1):
            position = (index - 1) % len(words)
            image = words.image_bytes(position) or b""
            label = labels[index - 1] if labels else words.label(position) or ""
            writer.add((images or {}).get(index, image), label)
    return target


def list_of_crops(source: Path, target: Path, count: int) -> Path:
    """Write the first `count` words of `source`, over again where it has fewer, as files with a list; return that."""
    words = WordLmdb(source)
    target.mkdir()
    lines = []
    for number in range(count):
        (target / f"{number}.jpg").write_bytes(words.image_bytes(number % len(words)) or b"")
        lines.append(f"{number}.jpg\t{words.label(number % len(words))}\n")
    (target / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return target / "labels.tsv"


def contents(folder: Path) -> dict[str, str]:
    """Return the digest of every file below `folder`, by its relative path."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }

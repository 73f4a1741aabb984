"""A word database of any number of entries, made in minutes by repeating a smaller one."""

from __future__ import annotations

from pathlib import Path

from segrec.core.lmdb_io import DATA_FILE
from segrec.data.words import WordLmdb, WordWriter

WORDS_A_COMMIT = 20_000


def build_big_words(path: Path, source: WordLmdb, count: int) -> WordLmdb:
    """Return a database of `count` words that repeats those of `source`; one that is there already is kept.

    Args:
        path: its folder.
        source: the words to repeat.
        count: how many entries.
    """
    if not (path / DATA_FILE).exists():
        with WordWriter(path, samples_per_commit=WORDS_A_COMMIT) as writer:
            for number in range(count):
                position = number % len(source)
                writer.add(source.image_bytes(position) or b"", source.label(position) or "")
    return WordLmdb(path)

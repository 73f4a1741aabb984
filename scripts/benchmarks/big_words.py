"""A word database of any number of entries, made in a minute from a few hundred pictures."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path

from segrec.core.lmdb_io import DATA_FILE
from segrec.data.words import WordLmdb, WordWriter

DIFFERENT = 300
WORDS_A_COMMIT = 20_000


def build_big_words(path: Path, source: WordLmdb, count: int) -> WordLmdb:
    """Return a database of `count` words that repeats the first ones of `source`; one that is there already is kept.

    Args:
        path: its folder.
        source: the words to repeat.
        count: how many entries.
    """
    if not (path / DATA_FILE).exists():
        samples = list(_samples(source))
        with WordWriter(path, samples_per_commit=WORDS_A_COMMIT) as writer:
            for image, label in islice(cycle(samples), count):
                writer.add(image, label)
    return WordLmdb(path)


def _samples(source: WordLmdb) -> Iterable[tuple[bytes, str]]:
    for position in range(min(DIFFERENT, len(source))):
        yield source.image_bytes(position) or b"", source.label(position) or ""

"""Words to read: a database of the user's, rendered ones that are gone afterwards, or many that repeat a few."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from segrec.core.images import Array
from segrec.core.lmdb_environments import DATA_FILE
from segrec.data.words import WordLmdb, WordWriter
from segrec.rendering.writing import render_words

SEED = 11

WORDS_A_COMMIT = 20_000


@contextmanager
def word_database(data: str | None, count: int, *, workers: int = 2) -> Iterator[WordLmdb]:
    """Give a database of words.

    Args:
        data: its folder; None renders `count` words.
        count: how many are rendered.
        workers: processes that render.
    """
    if data is not None:
        yield WordLmdb(data)
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "words"
        render_words(path, count, seed=SEED, workers=workers)
        yield WordLmdb(path)


def first_crops(words: WordLmdb, count: int) -> list[Array]:
    """Return the first `count` readable images, fewer where there are no more."""
    crops: list[Array] = []
    for word in words:
        if len(crops) == count:
            break
        if word.image is not None:
            crops.append(word.image)
    return crops


def mean_length(words: WordLmdb, count: int) -> float:
    """Return the mean length of the first labels."""
    labels = [words.label(position) or "" for position in range(min(count, len(words)))]
    return sum(map(len, labels)) / max(1, len(labels))


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

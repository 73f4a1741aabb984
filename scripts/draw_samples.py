"""Draw the word crops that are shipped for `segrec demo` by a seed: `python scripts/draw_samples.py WORDS`."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from segrec.core.lmdb_environments import DATA_FILE
from segrec.data.words import WordLmdb, WordWriter
from segrec.importers.selection import FILTERS

LABELS = "alnum3"
LOWEST = 12
"""Rows of a crop at least."""


@click.command()
@click.argument("words", type=click.Path(exists=True, file_okay=False))
@click.option("--output", type=click.Path(path_type=Path), default=Path("segrec/samples/icdar2015"), show_default=True)
@click.option("--count", type=click.IntRange(1), default=60, show_default=True, help="Words to draw.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def main(words: str, output: Path, count: int, seed: int) -> None:
    """Copy words of a database, drawn at random, byte by byte and in its order into a small one of the same layout."""
    database = WordLmdb(words)
    candidates = [position for position in range(len(database)) if _is_candidate(database, position)]
    if len(candidates) < count:
        raise click.ClickException(f"{words} has {len(candidates)} words to draw from, not {count}; lower --count")
    drawn = np.sort(np.random.default_rng(seed).choice(candidates, count, replace=False)).tolist()
    with WordWriter(output, overwrite=True) as writer:
        for position in drawn:
            writer.add(database.image_bytes(position) or b"", database.label(position) or "")
    size = (output / DATA_FILE).stat().st_size
    click.echo(f"{output}: {count} of {len(candidates)} words that qualify, of {len(database)}; {size} bytes")


def _is_candidate(database: WordLmdb, position: int) -> bool:
    """Return whether a word has a plain label and a crop that is neither tiny nor upright."""
    word = database[position]
    if word.image is None or not FILTERS[LABELS](word.label):
        return False
    height, width = word.image.shape[:2]
    return LOWEST <= height <= width


if __name__ == "__main__":
    main()

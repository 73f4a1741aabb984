"""Split a word database in two: its last words are kept for testing, the others are for training.

Word crops mostly lie in the order of their photographs, so the two parts share at most one of them.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from segrec.data.words import WordLmdb, WordWriter


@click.command()
@click.argument("words", type=click.Path(exists=True, file_okay=False))
@click.option("--train", required=True, type=click.Path(path_type=Path), help="Folder to write: the other words.")
@click.option("--test", required=True, type=click.Path(path_type=Path), help="Folder to write: the last words.")
@click.option("--count", required=True, type=click.IntRange(1), help="Words of --test.")
def main(words: str, train: Path, test: Path, count: int) -> None:
    """Write both parts, images as they are, and print how many words each has; damaged words go to neither."""
    counts = {train: 0, test: 0}
    left_out = 0
    database = WordLmdb(words)
    if count >= len(database):
        raise click.BadParameter(f"{words} has {len(database)} words; nothing would be left to train on")
    with ExitStack() as stack:
        writers = {path: stack.enter_context(WordWriter(path)) for path in (train, test)}
        for position in range(len(database)):
            image, label = database.image_bytes(position), database.label(position)
            if image is None or label is None:
                left_out += 1
                continue
            part = test if position >= len(database) - count else train
            writers[part].add(image, label)
            counts[part] += 1
    for path, number in counts.items():
        click.echo(f"{path}: {number} words")
    if left_out:
        click.echo(f"{left_out} words without an image or a label are in neither")


if __name__ == "__main__":
    main()

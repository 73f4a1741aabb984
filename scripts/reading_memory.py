"""Measure what `segrec read` keeps in memory while it reads thousands of words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click

from segrec.core.device import limit_threads
from segrec.core.memory import keep_few_layers
from segrec.core.tables import markdown_table
from segrec.jobs.read_pictures import Reading, read_pictures
from segrec.pages.inputs import Source, sources
from segrec.reader import Reader
from segrec.rendering.writing import render_words
from segrec.weights import READER

FIRST = 1000
"""Words after which the memory is taken as that of a start."""
RENDERED = 1000
"""Words that are rendered where none are named."""


class Resident(NamedTuple):
    """Bytes of this process in memory: its own, and pages of files, which the system may drop."""

    own: int
    files: int

    @property
    def all(self) -> int:
        """Both."""
        return self.own + self.files


def resident() -> Resident:
    """Return what Linux says of this process."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    own, files = (int(fields[name].split()[0]) * 1024 for name in ("RssAnon", "RssFile"))
    return Resident(own, files)


def over_and_over(data: tuple[str, ...]) -> Iterator[Source]:
    """Yield the words of databases, again and again."""
    for _ in count():
        yield from sources(data)


@click.command()
@click.argument("data", nargs=-1)
@click.option("--count", "words", default=20_000, show_default=True, help="Words to read.")
@click.option("--every", default=2_000, show_default=True, help="Words between two lines.")
@click.option("--model", default=READER, show_default=True)
@click.option("--threads", default=1, show_default=True)
@click.option("--most", default=300.0, show_default=True, help="Megabytes more than after the first words.")
@click.pass_context
def main(
    context: click.Context, data: tuple[str, ...], words: int, every: int, model: str, threads: int, most: float
) -> None:
    """Read DATA, word databases, again and again until COUNT words were read, and print the memory that it took.

    Without DATA words are rendered. The exit code is 1 where more than MOST was taken after the first words.
    """
    limit_threads(threads)
    with TemporaryDirectory() as folder:
        if not data:
            render_words(Path(folder) / "words", RENDERED, seed=1)
        grown = read_over_and_over(data or (f"{folder}/words",), words, every=every, model=model)
    context.exit(int(grown > most * 1e6))


def read_over_and_over(data: tuple[str, ...], words: int, *, every: int, model: str) -> int:
    """Print the memory of reading words, and return by how many bytes the last was more than that after `FIRST`."""
    keep_few_layers()
    reader = Reader.from_pretrained(model, device="cpu")
    rows, start = [], resident()
    for number, _ in enumerate(read_pictures(reader, islice(over_and_over(data), words), Reading()), 1):
        if number == FIRST:
            start = resident()
        if number == FIRST or number % every == 0:
            now = resident()
            figures = now.all, now.own, now.files, now.all - start.all
            rows.append([str(number), *(f"{value / 1e6:.1f}" for value in figures)])
            print(*rows[-1], file=sys.stderr)
    print(markdown_table(["words", "resident, MB", "own", "of files", f"more than after {FIRST}"], rows, numbers=5))
    return resident().all - start.all


if __name__ == "__main__":
    main()

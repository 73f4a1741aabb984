"""The command that reads the same words with this project's readers and with those of others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from benchmarks.peer_readers import PEERS, Choices, Measured, Timing
from benchmarks.timing import CLOCKS, machine
from benchmarks.word_sets import word_database
from segrec.core.errors import SegrecError
from segrec.core.tables import markdown_table
from segrec.weights import CONTROL, READER, SEGMENTER


@click.command()
@click.option("--data", type=click.Path(exists=True), help="Word database with labels.  [default: rendered words]")
@click.option("--words", "count", default=64, show_default=True, type=click.IntRange(min=1), help="Words at most.")
@click.option("--reader", "names", multiple=True, type=click.Choice(list(PEERS)), help="Repeatable.  [default: all]")
@click.option("--plain", default=CONTROL, show_default=True, help="Recognizer without a mask: name, run or file.")
@click.option("--masked", default=READER, show_default=True, help="Recognizer with a mask channel.")
@click.option("--segmenter", default=SEGMENTER, show_default=True, help="Of the masks.")
@click.option("--easyocr", default="english_g2.pth", show_default=True, help="EasyOCR's file, or where it lies.")
@click.option("--batch", "batches", multiple=True, default=(1, 64), show_default=True, type=click.IntRange(min=1))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--clock", default="wall", show_default=True, type=click.Choice(list(CLOCKS)), help="processor: on a busy machine."
)
@click.pass_context
def peers(
    context: click.Context,
    data: str | None,
    count: int,
    names: tuple[str, ...],
    plain: str,
    masked: str,
    segmenter: str,
    easyocr: str,
    batches: tuple[int, ...],
    repeats: int,
    threads: int,
    clock: str,
) -> None:
    """Read the same words with segrec, RapidOCR and EasyOCR: words a second, memory and accuracy.

    Each reader has a process of its own, on the CPU. One that cannot run here has a line below the table that says
    why; where it was asked for by --reader, the exit code is 1.
    """
    choices, timing = Choices(plain, masked, segmenter, easyocr), Timing(count, batches, repeats, threads, clock)
    rows: list[tuple[str, Measured | str]] = []
    found: Measured | str
    with word_database(data, count) as words, TemporaryDirectory() as folder:
        for name in names or tuple(PEERS):
            peer = PEERS[name]
            click.echo(f"{peer.title(choices)} ...", err=True)
            try:
                found = in_own_process(name, peer.files(choices, Path(folder)), str(words.path), timing)
            except (SegrecError, click.ClickException) as error:
                found = str(error)
            rows.append((peer.title(choices), found))
        source = "rendered words" if data is None else words.path.name
    click.echo(
        f"{machine()}, threads: {threads}, repeats: {repeats}, {clock} time, torch {version('torch')}; "
        f"words of {source}, letters and digits, case folded\n"
    )
    click.echo(report(rows, batches), nl=False)
    if names and any(isinstance(found, str) for _, found in rows):
        context.exit(1)


def in_own_process(name: str, files: list[str], data: str, timing: Timing) -> Measured | str:
    """Return what a reader took in a fresh process, whose memory is that of one reader, or why it cannot run."""
    given = json.dumps([name, files, data, timing._asdict()])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "benchmarks.peer_readers", given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"])[-1]
    found = json.loads(done.stdout.splitlines()[-1])
    seconds = {int(batch): taken for batch, taken in found["seconds"].items()}
    return Measured(seconds, found["peak"], found["correct"], found["words"])


def report(rows: Sequence[tuple[str, Measured | str]], batches: Sequence[int]) -> str:
    """Return a markdown table of the readers, and below it those that could not be had, with the reason."""
    head = ("reader", *(f"words/s, batch {batch}" for batch in batches), "peak MiB", "words", "right, %")
    cells = [
        (
            title,
            *(_speed(found.seconds[batch], found.words) for batch in batches),
            str(found.peak),
            str(found.words),
            f"{100 * found.correct / max(1, found.words):.1f}",
        )
        for title, found in rows
        if isinstance(found, Measured)
    ]
    missing = [f"\n{title}: not measured: {found}\n" for title, found in rows if isinstance(found, str)]
    return markdown_table(head, cells, numbers=len(head) - 1) + "".join(missing)


def _speed(seconds: Sequence[float], words: int) -> str:
    """Return the median of the repeats, and from the slowest to the fastest."""
    low, middle, high = (words / taken for taken in (max(seconds), float(np.median(seconds)), min(seconds)))
    return f"{middle:.1f} ({low:.1f} to {high:.1f})"

"""The command that compares two checkouts by the processor time of whole commands, in turns."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from benchmarks.timing import measure, seconds_of_children, table
from segrec.rendering.writing import render_words

HERE = Path(__file__).parents[2]
BEFORE, NOW = "before", "now"
COMMANDS = {
    "precompute": ["precompute-masks", "--data", "words", "--output", "masks", "--segmenter", "mgnet-slim"],
    "recognizers": ["eval", "--data", "w=words", "--mask", "random", "--model", "crnn-slim-random"],
}
"""What is run, in a folder with the words."""


@click.command()
@click.argument("before", type=click.Path(exists=True, file_okay=False))
@click.option("--count", default=2000, show_default=True, type=click.IntRange(min=1), help="Words, rendered.")
@click.option("--repeats", default=7, show_default=True, type=click.IntRange(min=1))
@click.option("--most", default=2.0, show_default=True, help="Per cent of slowdown from which the exit code is 1.")
@click.pass_context
def slowdown(context: click.Context, before: str, count: int, repeats: int, most: float) -> None:
    """Compare the checkout BEFORE with this one: masks precomputed, words read, each in a process of its own.

    The checkouts take turns. Processor time is compared, start included, of which other programs take little; the
    ratio is the median of those of the pairs.
    """
    slow = False
    with TemporaryDirectory() as folder:
        render_words(Path(folder) / "words", count, seed=1)
        for name, command in COMMANDS.items():
            checkouts = {BEFORE: Path(before).resolve(), NOW: HERE}
            runs: dict[str, Callable[[], object]] = {
                side: partial(_run, checkout, Path(folder), command) for side, checkout in checkouts.items()
            }
            rows = measure(runs, repeats, warm_ups=1, clock=seconds_of_children)
            more = 100 * (1 / float(np.median(rows[1].ratios)) - 1)
            slow = slow or more > most
            click.echo(f"{name}: {more:+.1f}% processor time, {count} words, {repeats} repeats\n\n{table(rows)}")
    context.exit(int(slow))


def _run(checkout: Path, folder: Path, command: Sequence[str]) -> None:
    """Run a command of a checkout anew, in the folder."""
    shutil.rmtree(folder / "masks", ignore_errors=True)
    program = f"import sys; sys.path[:0] = [{str(checkout)!r}]; from segrec.cli import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    whole = [sys.executable, "-c", program, *command, "--device", "cpu", "--quiet"]
    subprocess.run(whole, check=True, stdout=subprocess.DEVNULL, cwd=folder, env=environment)

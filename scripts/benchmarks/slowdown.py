"""The command that compares two checkouts by the processor time of their commands, in many short turns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Self

import click
import numpy as np

from segrec.rendering.writing import render_words

HERE = Path(__file__).parents[2]
COMMANDS = {
    "precompute": ["precompute-masks", "--data", "words", "--output", "masks", "--segmenter", "{mgnet-slim}"],
    "recognizers": ["eval", "--data", "w=words", "--mask", "random", "--model", "{crnn-slim-random}"],
}
"""What is run, in a folder with the words; weights in braces are those of the other checkout, for both."""
RESAMPLED = 4000
"""How often the pairs are drawn again for the interval."""
AT_ONCE = 10
"""Pairs between two looks at the interval."""
WORKER = """
import contextlib, os, shutil, sys, time
sys.path[:0] = [{checkout!r}]
from segrec.cli import main
import segrec
assert segrec.__file__.startswith({checkout!r}), segrec.__file__
for _ in sys.stdin:
    shutil.rmtree("masks", ignore_errors=True)
    before = time.process_time()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        code = main({command!r})
    print(code, time.process_time() - before, flush=True)
"""
"""The program that runs a command whenever it gets a line, and prints its exit code and its processor time."""


class Verdict(NamedTuple):
    """How much more a command costs, in per cent: the median of the pairs, and its 95% interval."""

    more: float
    low: float
    high: float
    pairs: int

    def says(self, most: float) -> str:
        """Return whether the command is slower by more than `most`: no, yes, or undecided."""
        return "no" if self.high <= most else "yes" if self.low > most else "undecided"


class Worker:
    """A checkout that runs one command again and again, in a process of its own.

    Args:
        checkout: its folder.
        folder: where the command works.
        command: and its options.
    """

    def __init__(self, checkout: Path, folder: Path, command: Sequence[str]) -> None:
        program = WORKER.format(checkout=str(checkout), command=[*command, "--device", "cpu", "--quiet"])
        environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=environment,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self) -> float:
        """Return the processor time of one run in seconds.

        Raises:
            RuntimeError: the command fails.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        code, _, seconds = self._process.stdout.readline().partition(" ")
        if code != "0":
            raise RuntimeError(f"a command failed with exit code {code.strip() or self._process.wait()}")
        return float(seconds)


@click.command()
@click.argument("before", type=click.Path(exists=True, file_okay=False))
@click.option("--count", default=300, show_default=True, type=click.IntRange(min=1), help="Words, rendered.")
@click.option("--pairs", default=200, show_default=True, type=click.IntRange(min=1), help="At most.")
@click.option("--most", default=2.0, show_default=True, help="Per cent of slowdown beyond which the exit code is 1.")
@click.pass_context
def slowdown(context: click.Context, before: str, count: int, pairs: int, most: float) -> None:
    """Compare the checkout BEFORE with this one: masks precomputed, words read.

    Each checkout runs a command again and again in a process of its own. The two take short turns, now one first and
    now the other, so that whatever else the machine does falls on both; processor time is compared within each pair.
    It ends once the 95% interval of the median lies on one side of --most, or after --pairs; undecided counts as slow.
    """
    slow = False
    with TemporaryDirectory() as folder:
        render_words(Path(folder) / "words", count, seed=1)
        for name, command in COMMANDS.items():
            found = compare(Path(before).resolve(), Path(folder), command, pairs=pairs, most=most)
            said = f"{found.more:+.1f}% processor time (95% interval {found.low:+.1f} to {found.high:+.1f})"
            verdict = found.says(most)
            click.echo(f"{name}: {said}, {found.pairs} pairs of {count} words; slower than by {most:g}%: {verdict}")
            slow = slow or verdict != "no"
    context.exit(int(slow))


def compare(before: Path, folder: Path, command: Sequence[str], *, pairs: int, most: float) -> Verdict:
    """Return how much more of the processor a command takes here than in the checkout `before`."""
    whole = [_with_weights(part, before) for part in command]
    ratios: list[float] = []
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(checkout, folder, whole)) for checkout in (before, HERE)]
        for worker in workers:
            worker.run()
        while True:
            for place in range(len(ratios), min(len(ratios) + AT_ONCE, pairs)):
                taken = {}
                for side in (0, 1) if place % 2 else (1, 0):
                    taken[side] = workers[side].run()
                ratios.append(taken[1] / taken[0])
            found = verdict_of(ratios)
            if len(ratios) >= pairs or (len(ratios) > AT_ONCE and found.says(most) != "undecided"):
                return found


def verdict_of(ratios: Sequence[float]) -> Verdict:
    """Return the median of ratios with its bootstrap interval, in per cent above 1."""
    drawn = np.random.default_rng(0).choice(ratios, (RESAMPLED, len(ratios)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    more, low, high = (100 * (float(value) - 1) for value in (np.median(ratios), low, high))
    return Verdict(more, low, high, len(ratios))


def _with_weights(part: str, checkout: Path) -> str:
    """Return an argument with the shipped weights that it names in braces."""
    if not part.startswith("{"):
        return part
    return str(checkout / "segrec" / "weights" / f"{part.strip('{}')}.safetensors")

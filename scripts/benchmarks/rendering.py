"""The command that times rendering words, and compares it with another checkout's."""

from __future__ import annotations

import hashlib
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

from benchmarks.timing import Row, measure, seconds_of_children, table
from segrec.rendering.styles import STYLES, USUAL

HERE = Path(__file__).parents[2]
OWN, OTHER = "this checkout", "the other checkout"


@click.command()
@click.option("--count", default=2000, show_default=True, type=click.IntRange(min=1), help="Words of each run.")
@click.option("--style", default=USUAL, show_default=True, type=click.Choice(STYLES))
@click.option("--seed", default=1, show_default=True)
@click.option("--fonts", multiple=True, type=click.Path(exists=True), help="As of `segrec render`, like the next two.")
@click.option("--lexicon", type=click.Path(exists=True))
@click.option("--backgrounds", type=click.Path(exists=True))
@click.option("--against", type=click.Path(exists=True, file_okay=False), help="Another checkout to compare with.")
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(min=1))
@click.pass_context
def render(
    context: click.Context,
    count: int,
    style: str,
    seed: int,
    fonts: Sequence[str],
    lexicon: str | None,
    backgrounds: str | None,
    against: str | None,
    repeats: int,
) -> None:
    """Time `segrec render words`: processor time of one process with its start, which other programs hardly change.

    The exit code is 1 when another checkout writes other bytes.
    """
    sources = [("--fonts", path) for path in fonts]
    sources += [(name, path) for name, path in (("--lexicon", lexicon), ("--backgrounds", backgrounds)) if path]
    arguments = [f"--count={count}", f"--style={style}", f"--seed={seed}"]
    arguments += [f"{name}={Path(path).resolve()}" for name, path in sources]
    checkouts = {OTHER: Path(against).resolve(), OWN: HERE} if against else {OWN: HERE}
    rows, digests = compare(checkouts, arguments, repeats=repeats)
    click.echo(f"{count} words of the style {style}, masks included, one process, {repeats} repeats\n")
    click.echo(table(rows))
    for row in rows:
        click.echo(f"{row.name}: {count / float(np.median(row.seconds)):.0f} words a second of processor time")
    if against:
        click.echo(f"the bytes are {'the same' if len(digests) == 1 else 'NOT the same'}")
    context.exit(0 if len(digests) == 1 else 1)


def compare(checkouts: dict[str, Path], arguments: Sequence[str], *, repeats: int) -> tuple[list[Row], set[str]]:
    """Return the processor seconds of rendering with each checkout in turn, and the digests of all that was written."""
    digests: set[str] = set()
    with TemporaryDirectory() as folder:
        output = Path(folder) / "words"  # one for all, since mask stores name it
        functions: dict[str, Callable[[], object]] = {
            name: partial(_render, checkout, output, arguments, digests) for name, checkout in checkouts.items()
        }
        return measure(functions, repeats, warm_ups=0, clock=seconds_of_children), digests


def _render(checkout: Path, output: Path, arguments: Sequence[str], digests: set[str]) -> None:
    """Render to `output`, anew, and add the digest of what was written."""
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "segrec", "render", "words", "--quiet", f"--output={output}", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    # `python -m` looks for packages in the current folder first.
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=checkout, env=environment)
    files = sorted(path for path in output.rglob("*") if path.is_file())
    digests.add(hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest())

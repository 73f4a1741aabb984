"""Store what joins masks to a recognizer that is frozen otherwise: small, and whole only with its recognizer's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from recognizers import load_pretrained, save_recognizer
from segrec.core.checkpoint import load_weights
from segrec.core.errors import SegrecError


def store_join(run: Path, target: Path, notes: Mapping[str, str]) -> None:
    """Store the fusion of a run of `segrec finetune --train input`, in float16, with its recognizer as its parent.

    Args:
        run: the run.
        target: the file to write.
        notes: on how it was made.

    Raises:
        click.ClickException: more was trained than the fusion, or there is none.
    """
    weights = run / "last.safetensors"
    state, header = load_weights(weights)
    joins = [name for name in state if ".fusion." in name]
    if not joins or header.notes.get("train") == "all":
        raise click.ClickException(f"{run} trained no fusion alone; run segrec finetune --train input --fusion ...")
    save_recognizer(
        target,
        load_pretrained(weights),
        only=joins,
        parent=header.parent,
        parent_digest=header.parent_digest,
        half=True,
        notes=notes,
    )


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--note", "notes", nargs=2, multiple=True, metavar="NAME TEXT", help="Kept in the header. Repeatable.")
def main(run: Path, target: Path, notes: tuple[tuple[str, str], ...]) -> None:
    """Store what joins masks to a frozen recognizer, of a RUN of segrec finetune --train input, in the file TARGET."""
    try:
        store_join(run, target, dict(notes))
        click.echo(f"{target}: {target.stat().st_size / 1e6:.2f} MB, goes with {load_weights(target)[1].parent}")
    except SegrecError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()

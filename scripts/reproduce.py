"""Repeat the paper's tables and figures, by its own setting or by a small one, on the data that are there.

    python scripts/reproduce.py table2 --recipe small --data-root DATA

trains what is missing, goes on where it was cut off, prints the paper's row beside ours, and writes markdown, CSV and
JSON to --work. Data that are missing are named, with what to get and where it must lie; what can be run is run.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click
from reproduction.figures import OF_TABLE, draw_masks, draw_spread
from reproduction.published import TABLES, TITLES
from reproduction.reading_recipes import reading_recipe
from reproduction.recipes import recipe_of
from reproduction.recognition import reproduce_reading
from reproduction.record import Machine, Reproduction
from reproduction.segmentation import reproduce
from reproduction.word_figure import draw_words

from segrec.core.errors import SegrecError


@click.command()
@click.argument("name", type=click.Choice([*TITLES, *OF_TABLE]))
@click.option("--recipe", type=click.Choice(["paper", "small"]), default="small", show_default=True)
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of the datasets; what is missing is named.",
)
@click.option(
    "--work", type=click.Path(path_type=Path), default=Path("reproduction"), show_default=True, help="Runs and results."
)
@click.option("--seed", "seeds", type=int, multiple=True, default=[0], show_default=True, help="Repeatable.")
@click.option(
    "--seeded", multiple=True, help="Row with all the seeds, repeatable; others have the first.  [default: all]"
)
@click.option("--row", "only", multiple=True, help="Only this row, repeatable.")
@click.option("--segmenter", help="Weights that predict the masks of table4b.  [default: the recipe's]")
@click.option("--device", default="auto", show_default=True)
@click.option("--workers", type=click.IntRange(0), default=1, show_default=True, help="Loader processes.")
@click.option("--dry-run", is_flag=True, help="Two steps and three pictures each, to see that everything works.")
def main(
    name: str,
    recipe: str,
    data_root: Path,
    work: Path,
    seeds: tuple[int, ...],
    seeded: tuple[str, ...],
    only: tuple[str, ...],
    segmenter: str | None,
    device: str,
    workers: int,
    dry_run: bool,
) -> None:
    """Train what is missing of a table, score it, and print the table; a figure is drawn of its table's rows."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    table = OF_TABLE.get(name, name)
    known = [printed.key for printed in TABLES.get(table, ())]
    for key in (*seeded, *only):
        if key not in known:
            raise click.UsageError(f"{table} has no row {key!r}; the rows are {', '.join(known) or 'not named'}")
    root, folder, machine = data_root.resolve(), work.resolve(), Machine(device, workers)
    segmentation = recipe_of(recipe, root, folder, dry=dry_run)
    picture = folder / f"{name}-{segmentation.name}.png"
    try:
        if table in TABLES:
            found = reproduce(table, segmentation, folder, seeds=seeds, seeded=seeded, only=only, machine=machine)
            if name == "fig7":
                draw_spread(segmentation, found, picture)
            elif name != table:
                draw_masks(name, segmentation, found, picture)
        else:
            words = reading_recipe(recipe, root, folder, dry=dry_run)
            found = reproduce_reading(words, segmentation, folder, seeds=seeds, segmenter=segmenter, machine=machine)
            if name == "fig9":
                draw_words(words, found, picture)
    except SegrecError as error:
        raise click.ClickException(str(error)) from error
    if name != table:
        click.echo(f"{picture}\n")
    show(found)


def show(found: Reproduction) -> None:
    """Print a table; what is missing ends the command with what to get."""
    click.echo(found.page, nl=False)
    if found.absent:
        lines = "\n".join(f"  {line}" for line in found.missing.values())
        raise click.ClickException(f"not all rows could be run; get\n{lines}")


if __name__ == "__main__":
    main()

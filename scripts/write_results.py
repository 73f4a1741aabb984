"""RESULTS.md, of the tables and figures that `scripts/reproduce.py` has really run; dry runs are left out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from reproduction.figures import OF_TABLE
from reproduction.published import TABLES, TITLES
from reproduction.reading_recipes import VARIANTS

from segrec.core.files import atomic_path, read_json, write_text

COMMAND = "python scripts/reproduce.py {name} --recipe {recipe} --data-root DATA --work WORK"
CORE_MINUTES = {"table2": 55, "table3a": 35, "table3b": 40, "table4a": 15, "table4b": 20}
"""Of the small recipe, estimated from a few steps; Tables III and IV(a) after Table II, whose rows they share."""
WHY = {
    "small": "No machine time was given to these yet.",
    "paper": "These need the paper's datasets and a GPU; each command says what is missing and where it must lie.",
}


def page(work: Path, recipe: str = "small", *, figures: Path | None = None, target: Path = Path("RESULTS.md")) -> str:
    """Return RESULTS.md: each table that was run, where and on what, its figures, and what was not run and why.

    Args:
        work: the folder of `scripts/reproduce.py --work`.
        recipe: whose tables.
        figures: folder to which the figures are copied; None names none.
        target: the page, from which figures are linked.
    """
    parts = [
        "# Results of the reproduction",
        "Written by `python scripts/write_results.py` from the files of `scripts/reproduce.py`; not by hand. "
        f"Recipe: {recipe}.",
    ]
    left = []
    for table, title in TITLES.items():
        drawn = [name for name, of_table in OF_TABLE.items() if of_table == table]
        record = work / f"{table}-{recipe}.json"
        if record.exists():
            text = (work / f"{table}-{recipe}.md").read_text("utf-8").strip()
            parts += [text, _facts(table, title, read_json(record))]
            there = [name for name in drawn if (work / f"{name}-{recipe}.png").exists()]
            parts += [] if figures is None else [_linked(work, f"{name}-{recipe}", figures, target) for name in there]
            left += [name for name in drawn if name not in there]
        else:
            left += [table, *drawn]
    if left:
        parts += ["## Not run", WHY[recipe], "\n".join(_not_run(name, recipe) for name in left)]
    return "\n\n".join(parts) + "\n"


def _not_run(name: str, recipe: str) -> str:
    """Return a line on a table or figure."""
    called = TITLES.get(name, f"{name}, of {OF_TABLE.get(name)}")
    minutes = f"about {CORE_MINUTES[name]} core-minutes; " if recipe == "small" and name in CORE_MINUTES else ""
    return f"* {called}: {minutes}`{COMMAND.format(name=name, recipe=recipe)}`"


def _linked(work: Path, name: str, figures: Path, target: Path) -> str:
    """Return a picture's link, after copying it."""
    copied = figures / f"{name}.png"
    with atomic_path(copied) as partial:
        shutil.copyfile(work / f"{name}.png", partial)
    return f"![{name}]({Path(os.path.relpath(copied, target.parent)).as_posix()})"


def _facts(table: str, title: str, record: Mapping[str, Any]) -> str:
    """Return on what a table was run, with which seeds, how long, and what was missing or is not run yet."""
    data = ", ".join(f"{key} ({fact['pictures']})" for key, fact in record["data"].items())
    seconds = sum(training["seconds"] for training in record["trainings"])
    lines = [
        f"* Data: {data}.",
        f"* Seeds: {'; '.join(_seeds(record['trainings']))}.",
        f"* Trained and scored in {seconds / 60:.0f} minutes on {record['device']} with {record['threads']} threads; "
        "rows that other tables share count in each, and a row that was cut off from its last start.",
    ]
    done = {_row(training) for training in record["trainings"]}
    waiting = [row for row in _rows(table, record) if row not in done and not _is_absent(row, record["absent"])]
    if waiting:
        lines.append(f"* Not run yet, for want of machine time: {', '.join(waiting)}.")
    lines += [f"* Missing: {why}" for why in record["missing"].values()]
    return f"{title} was run on:\n\n" + "\n".join(lines)


def _rows(table: str, record: Mapping[str, Any]) -> list[str]:
    """Return the names of all rows of a table."""
    if table in TABLES:
        return [printed.key for printed in TABLES[table]]
    return [f"{recognizer} {variant}" for recognizer in record["recognizers"] for variant in VARIANTS]


def _row(training: Mapping[str, Any]) -> str:
    return str(training.get("row") or f"{training['architecture']} {training['variant']}")


def _is_absent(row: str, absent: Mapping[str, str]) -> bool:
    """Return whether the page says why a row was not run."""
    recognizer, _, variant = row.partition(" ")
    return (
        row in absent or recognizer in absent or (VARIANTS.get(variant) == "predicted" and "predicted masks" in absent)
    )


def _seeds(trainings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield which rows have which seeds."""
    seeds: dict[str, list[int]] = {}
    for training in trainings:
        seeds.setdefault(_row(training), []).extend(training.get("seeds", [training.get("seed")]))
    for of_rows in dict.fromkeys(map(tuple, seeds.values())):
        rows = [row for row, own in seeds.items() if tuple(own) == of_rows]
        yield f"{', '.join(map(str, of_rows))} of {', '.join(rows)}"


@click.command()
@click.option("--work", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of the reproduction.")
@click.option("--recipe", type=click.Choice(["small", "paper"]), default="small", show_default=True)
@click.option("--figures", type=click.Path(path_type=Path), help="Folder for copies of the figures.  [default: none]")
@click.option("--write", "target", type=click.Path(path_type=Path), help="File to write.  [default: standard output]")
def main(work: Path, recipe: str, figures: Path | None, target: Path | None) -> None:
    """Print or write the results of the tables that were run."""
    text = page(work, recipe, figures=figures, target=target or Path("RESULTS.md"))
    if target is None:
        click.echo(text, nl=False)
    else:
        write_text(target, text)


if __name__ == "__main__":
    main()

"""Keeps what a recipe's run reached: a CSV beside the recipes, and the figures in the comment that opens the recipe."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from segrec.core.files import write_text
from segrec.core.tables import write_records

RECIPES = Path(__file__).parent / "recipes"
RESULTS = RECIPES / "results"
COLUMNS = ("set", "metric", "value", "n", "seed")
FIELDS = ("Command", "Machine", "Time", "Reached")
"""What every recipe's opening comment says, a line `# Field: ...` each; Reached has a line for each figure."""
NOT_RECORDED = "not recorded"
"""How Reached begins where there is no CSV, followed by the reason."""
_FIGURE = re.compile(r"(?P<set>.+), (?P<metric>[^,]+): (?P<value>[-+\d.]+) \(n (?P<n>\d+), seeds? (?P<seed>[-\d]+)\)")


class Figure(NamedTuple):
    """One figure: of what words or pictures, which metric, in per cent or points, how many there were, and the seed."""

    set: str
    metric: str
    value: str
    n: str
    seed: str

    def __str__(self) -> str:
        seeds = "seeds" if "-" in self.seed else "seed"
        return f"{self.set}, {self.metric}: {self.value} (n {self.n}, {seeds} {self.seed})"


def figures_of(report: Mapping[str, Any], seed: int) -> Iterator[Figure]:
    """Yield the figures of what `segrec eval` or `segrec eval-segmenter` printed as JSON.

    Args:
        report: that JSON; of recognizers the accuracy and each gain, of segmenters the mean F1 and fgIoU.
        seed: of the run, the first one of several.
    """
    for row in report["results"]:
        if "target" in row:
            for name, metric in (("f1", "F1 %"), ("pooled_iou", "fgIoU %")):
                value = f"{100 * row[name]:.2f}"
                yield Figure(f"{row['data']} {row['target']}", metric, value, str(row["images"]), str(seed))
        else:
            metric = f"accuracy % with mask {row['mask']}"
            value = f"{100 * row['accuracy']:.2f}"
            yield Figure(row["dataset"], metric, value, str(row["words"]), _seeds(seed, row["seeds"]))
    for gain in report.get("gains", []):
        metric = f"points of {gain['model']} {gain['mask']} over {gain['over']}"
        value = f"{gain['mean']:+.2f}"
        yield Figure(gain["dataset"], metric, value, str(gain["n"]), _seeds(seed, gain["seeds"]))


def _seeds(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


def comment_fields(recipe: Path) -> dict[str, list[str]]:
    """Return the fields of the comment that opens a recipe, each with its lines."""
    found: dict[str, list[str]] = {}
    for line in _opening(recipe.read_text("utf-8")):
        name, colon, said = line.removeprefix("#").strip().partition(": ")
        if colon and name in FIELDS:
            found.setdefault(name, []).append(said)
    return found


def _opening(text: str) -> list[str]:
    lines = text.splitlines()
    return lines[: next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))]


def complaints(recipe: Path, results: Path) -> list[str]:
    """Return what is wrong with a recipe's comment: a missing field, or a figure that its CSV does not hold.

    Args:
        recipe: the recipe.
        results: its CSV, which need not be there where Reached says so.
    """
    said = comment_fields(recipe)
    wrong = [f"{recipe.name} lacks the line # {name}: ..." for name in FIELDS if name not in said]
    reached = said.get("Reached", [])
    if not results.exists():
        return wrong + [
            f"{results.name} does not hold {line!r}" for line in reached if not line.startswith(NOT_RECORDED)
        ]
    with results.open(encoding="utf-8", newline="") as handle:
        held = {Figure(**row) for row in csv.DictReader(handle)}
    for line in reached:
        match = _FIGURE.fullmatch(line)
        if match is None or Figure(**match.groupdict()) not in held:
            wrong.append(f"{results.name} does not hold {line!r}")
    return wrong


def with_figures(text: str, figures: Sequence[Figure]) -> str:
    """Return a recipe with these figures in place of its lines `# Reached: ...`.

    Raises:
        ClickException: the opening comment has no such line.
    """
    lines = text.splitlines(keepends=True)
    places = [place for place in range(len(_opening(text))) if lines[place].startswith("# Reached: ")]
    if not places:
        raise click.ClickException("the recipe's opening comment has no line # Reached: ...; add one")
    kept = [line for place, line in enumerate(lines) if place not in places]
    return "".join([*kept[: places[0]], *(f"# Reached: {figure}\n" for figure in figures), *kept[places[0] :]])


@click.command()
@click.argument("name")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the run, the first of several.")
@click.option("--folder", type=click.Path(path_type=Path), default=RECIPES, help="Where the recipes are.")
def main(name: str, files: tuple[Path, ...], seed: int, folder: Path) -> None:
    """Write recipes/results/NAME.csv from FILES, and its figures into the comment of recipes/NAME.toml.

    FILES are what `segrec eval --format json` and `segrec eval-segmenter --format json` printed of the recipe's run.
    """
    recipe = folder / f"{name}.toml"
    if not recipe.exists():
        raise click.ClickException(f"there is no recipe {recipe}")
    figures = [figure for file in files for figure in figures_of(json.loads(file.read_text("utf-8")), seed)]
    text = with_figures(recipe.read_text("utf-8"), figures)
    write_records(folder / "results" / f"{name}.csv", [figure._asdict() for figure in figures], COLUMNS)
    write_text(recipe, text)
    click.echo(f"{len(figures)} figures written to {folder / 'results' / name}.csv and {recipe}")


if __name__ == "__main__":
    main()

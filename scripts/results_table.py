"""The results table of the README and docs/results.md, made of what `segrec eval --format json` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from segrec.core.tables import markdown_table

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
HEAD = ("words", "n", "model", "seeds", "without a mask", "with the mask", "gain (95% interval)", "p")


class NoResults(click.ClickException):
    """A file holds no gain, or a page no place for the table."""


def rows(report: Mapping[str, Any], *, masks: Sequence[str] = ("predicted",)) -> list[tuple[str, ...]]:
    """Return a row for each gain of a mask over another model that reads without one, the control.

    Args:
        report: what `segrec eval --format json` printed.
        masks: the kinds of mask whose gains are wanted.
    """
    scored = [*report["results"], *report.get("pooled", [])]
    accuracy = {(row["dataset"], row["model"], row["mask"]): 100 * row["accuracy"] for row in scored}
    return [
        (
            gain["dataset"],
            str(gain["n"]),
            f"`{gain['model']}`",
            _seeds(gain),
            f"{accuracy[gain['dataset'], gain['over_model'], gain['over_mask']]:.2f}",
            f"{accuracy[gain['dataset'], gain['model'], gain['mask']]:.2f}",
            f"{gain['mean']:+.2f} ({gain['low']:+.2f} to {gain['high']:+.2f})",
            "<0.001" if gain["p"] < 0.001 else f"{gain['p']:.3f}",
        )
        for gain in report["gains"]
        if gain["mask"] in masks and gain["over_mask"] == "none" and gain["over_model"] != gain["model"]
    ]


def _seeds(gain: Mapping[str, Any]) -> str:
    own, other = gain["seeds"], gain["over_seeds"]
    return str(own) if own == other else f"{own} over {other}"


def table(files: Sequence[Path], *, masks: Sequence[str] = ("predicted",)) -> str:
    """Return the markdown table of several files, in their order.

    Raises:
        NoResults: a file holds no gain of these masks over reading without one.
    """
    cells: list[tuple[str, ...]] = []
    for file in files:
        found = rows(json.loads(file.read_text("utf-8")), masks=masks)
        if not found:
            raise NoResults(f"{file} has no gain of {', '.join(masks)} masks over none; evaluate with a control")
        cells += found
    return markdown_table(HEAD, cells, numbers={1, 3, 4, 5, 7})


def between_marks(page: str, content: str) -> str:
    """Return the page with its results replaced.

    Raises:
        NoResults: the page lacks the marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoResults(f"the page has no {BEGIN} ... {END}; put them where the table shall stand")
    return f"{before}{BEGIN}\n{content}{END}{after}"


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mask", "masks", multiple=True, default=("predicted",), show_default=True, help="Repeatable.")
@click.option("--write", type=click.Path(exists=True, path_type=Path), help="Page that gets it between its marks.")
def main(files: tuple[Path, ...], masks: tuple[str, ...], write: Path | None) -> None:
    """Print the table of FILES, each the output of `segrec eval --format json`, or write it into a page."""
    made = table(files, masks=masks)
    if write is None:
        click.echo(made, nl=False)
    else:
        write.write_text(between_marks(write.read_text("utf-8"), made), "utf-8")


if __name__ == "__main__":
    main()

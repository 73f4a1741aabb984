"""RESULTS.md, of the tables that `scripts/reproduce.py` has really run; dry runs are left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from reproduction.published import TITLES

from segrec.core.files import atomic_path, read_json

COMMAND = "python scripts/reproduce.py {table} --recipe small --data-root DATA --work {work}"
CORE_MINUTES = {"table2": 80, "table3a": 40, "table3b": 45, "table4a": 20, "table4b": 35}
"""Of the small recipe, estimated from single steps; Tables III and IV(a) after Table II, whose rows they share."""


def page(work: Path, recipe: str = "small") -> str:
    """Return RESULTS.md: each table that was run, where and on what, and the commands of the others.

    Args:
        work: the folder of `scripts/reproduce.py --work`.
        recipe: whose tables.
    """
    parts = [
        "# Results of the reproduction",
        "Written by `python scripts/write_results.py` from the files of `scripts/reproduce.py`; not by hand. "
        f"Recipe: {recipe}.",
    ]
    left = []
    for table, title in TITLES.items():
        record = work / f"{table}-{recipe}.json"
        if not record.exists():
            left.append(table)
            continue
        parts += [(work / f"{table}-{recipe}.md").read_text("utf-8").strip(), _facts(table, title, read_json(record))]
    if left:
        lines = [
            f"* {TITLES[table]}: about {CORE_MINUTES[table]} core-minutes; `{COMMAND.format(table=table, work='WORK')}`"
            for table in left
        ]
        parts += ["## Not run", "No machine time was given to these yet.", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _facts(table: str, title: str, record: dict[str, Any]) -> str:
    """Return on what a table was run, how long, and what was missing."""
    data = ", ".join(f"{key} ({fact['pictures']})" for key, fact in record["data"].items())
    seconds = sum(training["seconds"] for training in record["trainings"])
    lines = [
        f"* Data: {data}. Seeds: {', '.join(map(str, record['seeds']))}.",
        f"* Trained and scored in {seconds / 60:.0f} minutes on {record['device']} with {record['threads']} threads; "
        "rows that other tables share count in each.",
    ]
    lines += [f"* Missing: {why}" for why in record["missing"].values()]
    return f"{title} was run on:\n\n" + "\n".join(lines)


@click.command()
@click.option("--work", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of the reproduction.")
@click.option("--recipe", type=click.Choice(["small", "paper"]), default="small", show_default=True)
@click.option("--write", "target", type=click.Path(path_type=Path), help="File to write.  [default: standard output]")
def main(work: Path, recipe: str, target: Path | None) -> None:
    """Print or write the results of the tables that were run."""
    text = page(work, recipe)
    if target is None:
        click.echo(text, nl=False)
        return
    with atomic_path(target) as partial:
        partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

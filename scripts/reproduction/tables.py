"""A table of segmentation beside the paper's: figures, markdown, CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from reproduction.published import TABLES, TITLES, Printed
from reproduction.recipes import Recipe
from reproduction.rows import Result
from segmenter.metrics import top1_shares
from segrec.core.tables import markdown_table
from segrec.evaluation.statistics import paired_bootstrap_means

METRICS = ("f1", "precision", "recall")


def figures(table: str, recipe: Recipe, results: Mapping[str, Sequence[Result]]) -> list[dict[str, Any]]:
    """Return a row for each method and test set, in the paper's order; figures are in per cent.

    F1 Top-1 is of the first seed: one winner an image among the methods that are there, ties to the first.

    Args:
        table: a key of `TABLES`.
        recipe: of the results.
        results: of the finished rows, a result for each seed.
    """
    there = [printed for printed in TABLES[table] if results.get(printed.key)]
    found = []
    for place, test in enumerate(recipe.tests):
        scored = [printed for printed in there if test in results[printed.key][0]["tests"]]
        f1s = [results[printed.key][0]["tests"][test]["f1"] for printed in scored]
        if not f1s or not f1s[0]:
            continue
        wins = [round(share * len(f1s[0])) for share in top1_shares(f1s)]
        for printed, of_images, won in zip(scored, f1s, wins, strict=True):
            row = _row(printed, place, [result["tests"][test] for result in results[printed.key]])
            gain = paired_bootstrap_means(f1s[-1], of_images)
            row |= {"top1_images": won, "top1": 100 * won / len(of_images)}
            row |= {"over_last": 100 * gain.mean, "over_last_low": 100 * gain.low, "over_last_high": 100 * gain.high}
            found.append({"table": table, "recipe": recipe.name, "test": recipe.datasets[test].name, **row})
    return found


def _row(printed: Printed, place: int, seeds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a method's figures on one test set, means over the seeds, beside the printed ones."""
    row: dict[str, Any] = {"method": printed.label, "key": printed.key, "n": len(seeds[0]["f1"]), "seeds": len(seeds)}
    for name in METRICS:
        of_seeds = [100 * mean(of_seed[name]) for of_seed in seeds]
        paper = getattr(printed, name)[place]
        row |= {name: mean(of_seeds), f"paper_{name}": paper, f"{name}_difference": mean(of_seeds) - paper}
        row |= {f"{name}_lowest": min(of_seeds), f"{name}_highest": max(of_seeds)}
    return {**row, "paper_top1": None if printed.top1 is None else printed.top1[place]}


def markdown(
    table: str, recipe: Recipe, rows: Sequence[Mapping[str, Any]], absent: Mapping[str, str], *, seeds: Sequence[int]
) -> str:
    """Return the table as a page: one part for each test set, what was not run and why.

    Args:
        table: a key of `TABLES`.
        recipe: of the rows.
        rows: from `figures`.
        absent: why rows were not run, by key.
        seeds: of the trainings.
    """
    parts = [f"## {TITLES[table]}", recipe.says + _caption(recipe, seeds)]
    for test, stands_for in zip(recipe.tests, ("TotalText", "ICDAR-2013-WARP"), strict=True):
        name = recipe.datasets[test].name
        of_test = [row for row in rows if row["test"] == name]
        if of_test:
            total = sum(row["top1_images"] for row in of_test)
            split = recipe.datasets[test].split
            named = f"**{name}**, split {split}" if split else f"**{name}**"
            won = f"n {of_test[0]['n']}; images won {total}"
            parts.append(f"{named}, {won}; the paper's figures are of {stands_for}.")
            parts.append(_part(of_test))
    labels = {printed.key: printed.label for printed in TABLES[table]}
    if absent:
        parts.append("Not run: " + "; ".join(f"{labels[key]}: {why}" for key, why in absent.items()) + ".")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _caption(recipe: Recipe, seeds: Sequence[int]) -> str:
    size = "their own size" if recipe.longest_side is None else f"a longest side of {recipe.longest_side}"
    numbers = ", ".join(map(str, seeds))
    return (
        f" All rows share the test pictures of one split, one size (pictures enter the networks at {size}, masks are "
        "scored at the pictures' own) and one threshold, 0.5. P, R and F1 are means over images, in per cent; seeds "
        f"{numbers}; F1 Top-1 is of the first seed, one winner an image, ties to the upper row. The last column is the "
        "mean F1 of the first seed under that of the last row, with its paired 95% interval over images."
    )


def _part(rows: Sequence[Mapping[str, Any]]) -> str:
    head = [
        "method",
        "seeds",
        "F1",
        "paper",
        "difference",
        "images won",
        "Top-1 %",
        "paper",
        "P",
        "paper",
        "R",
        "paper",
    ]
    cells = []
    for row in rows:
        spread = f" ({row['f1_lowest']:.1f} to {row['f1_highest']:.1f})" if row["seeds"] > 1 else ""
        top1 = "" if row["paper_top1"] is None else f"{row['paper_top1']:g}"
        last = row is rows[-1]
        interval = f"{row['over_last_low']:+.1f} to {row['over_last_high']:+.1f}"
        cells.append(
            [
                *(row["method"], str(row["seeds"])),
                *(f"{row['f1']:.1f}{spread}", f"{row['paper_f1']:.1f}", f"{row['f1_difference']:+.1f}"),
                *(str(row["top1_images"]), f"{row['top1']:.2f}", top1),
                *(f"{row['precision']:.1f}", f"{row['paper_precision']:.1f}"),
                *(f"{row['recall']:.1f}", f"{row['paper_recall']:.1f}"),
                "" if last else f"{row['over_last']:+.1f} ({interval})",
            ]
        )
    return markdown_table([*head, "F1 over the last row"], cells, numbers=len(head))

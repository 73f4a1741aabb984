"""Tables II, III and IV(a): the rows that are missing are trained and scored, then the page is written anew."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reproduction.data import Dataset, checked, doubts
from reproduction.published import TABLES
from reproduction.recipes import Recipe
from reproduction.record import Machine, Reproduction, surroundings, where_run, write_files
from reproduction.rows import Result, Rows
from reproduction.tables import figures, markdown
from segrec.core.device import resolve_device
from segrec.core.errors import DataError
from segrec.core.runlog import LOGGER


def reproduce(
    table: str,
    recipe: Recipe,
    work: Path,
    *,
    seeds: Sequence[int] = (0,),
    seeded: Sequence[str] = (),
    only: Sequence[str] = (),
    machine: Machine | None = None,
) -> Reproduction:
    """Return the table, whose files in `work` are written after each row; run again, it goes on at the next row.

    Args:
        table: a key of `TABLES`.
        recipe: says how.
        work: folder of data, runs, rows and of `TABLE-RECIPE.md`, `.csv` and `.json`.
        seeds: of the trainings.
        seeded: rows that are trained with all seeds, the others with the first alone; empty is all.
        only: the rows that are wanted; empty is all.
        machine: what to compute with.

    Raises:
        DataError: no test set is there.
    """
    machine = machine or Machine()
    start, device = time.monotonic(), str(resolve_device(machine.device))
    wanted = [printed.key for printed in TABLES[table] if not only or printed.key in only]
    needed = {key: recipe.datasets[key] for key in _needed(recipe, wanted)}
    facts, missing = checked(needed)
    for line in [*missing.values(), *doubts(facts, needed)]:
        LOGGER.warning("%s", line)
    if not any(test in facts for test in recipe.tests):
        raise DataError(f"no test set is there: {'; '.join(missing[test] for test in recipe.tests)}")
    rows = Rows(recipe, work, device=device, workers=machine.workers, facts=facts)
    found = Reproduction(missing=missing, absent=_absent(recipe, wanted, missing, needed))
    for key in wanted:
        if key not in found.absent:
            chosen = seeds if recipe.rows[key].trained and (not seeded or key in seeded) else seeds[:1]
            found.results[key] = [rows.finished(key, seed) for seed in chosen]
            found.rows = figures(table, recipe, found.results)
            record = {
                **{"table": table, "recipe": recipe.name, "seeds": list(seeds), **surroundings(device)},
                **{"seconds": round(time.monotonic() - start, 1), "data": facts, "missing": missing},
                **{"absent": found.absent, "trainings": _trainings(found.results), "rows": found.rows},
            }
            page = markdown(table, recipe, found.rows, found.absent, seeds=seeds)
            found.page = f"{page}\n{where_run(record)}\n"
            write_files(work / f"{table}-{recipe.name}", found, record)
    return found


def _needed(recipe: Recipe, rows: Sequence[str]) -> list[str]:
    """Return the keys of the datasets that rows need, in the recipe's order."""
    keys = {key for row in rows for key in recipe.rows[row].needs} | set(recipe.tests)
    return [key for key in recipe.datasets if key in keys]


def _absent(
    recipe: Recipe, rows: Sequence[str], missing: Mapping[str, str], datasets: Mapping[str, Dataset]
) -> dict[str, str]:
    lacking = {row: [key for key in recipe.rows[row].needs if key in missing] for row in rows}
    return {row: f"without {' and '.join(datasets[key].name for key in keys)}" for row, keys in lacking.items() if keys}


def _trainings(results: Mapping[str, Sequence[Result]]) -> list[dict[str, Any]]:
    """Return what each finished row took."""
    names = ("row", "seed", "steps", "parameters", "seconds", "weights")
    return [{name: result[name] for name in names} for found in results.values() for result in found]

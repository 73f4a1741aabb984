"""Table IV(b): what is missing is tuned and read, then the page is written anew."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from reproduction.data import checked, doubts
from reproduction.reading import Reading, Readings
from reproduction.reading_recipes import VARIANTS, ReadingRecipe
from reproduction.reading_table import Key, figures, markdown
from reproduction.recipes import Recipe
from reproduction.record import Machine, Reproduction, surroundings, where_run, write_files
from reproduction.rows import Rows
from segrec.core.device import resolve_device
from segrec.core.errors import CheckpointError, DataError
from segrec.core.runlog import LOGGER
from segrec.weights import resolve_weights


def reproduce_reading(
    recipe: ReadingRecipe,
    segmentation: Recipe,
    work: Path,
    *,
    seeds: Sequence[int] = (0,),
    segmenter: str | None = None,
    machine: Machine | None = None,
) -> Reproduction:
    """Return Table IV(b), whose files are written after each variant; run again, it goes on at the next one.

    Args:
        recipe: says how.
        segmentation: trains the segmenter where the recipe names none.
        work: see `reproduction.segmentation.reproduce`.
        seeds: of the tunings.
        segmenter: weights that predict the masks, in place of the recipe's.
        machine: what to compute with.

    Raises:
        DataError: nothing can be run.
    """
    machine = machine or Machine()
    start, device = time.monotonic(), str(resolve_device(machine.device))
    facts, missing = checked(recipe.words)
    for line in [*missing.values(), *doubts(facts, recipe.words)]:
        LOGGER.warning("%s", line)
    found = Reproduction(missing=missing, absent=_absent(recipe, missing))
    able = [name for name in recipe.recognizers if name not in found.absent]
    if not able:
        raise DataError(f"nothing can be run: {'; '.join([*found.absent.values(), *missing.values()])}")
    weights = segmenter or recipe.segmenter
    if weights is None:
        needed, _ = checked({key: segmentation.datasets[key] for key in segmentation.rows["ours"].needs})
        rows = Rows(segmentation, work, facts=needed, device=device, workers=machine.workers)
        weights = str(rows.weights("ours", seeds[0]))
    found.segmenter = weights
    readings = Readings(recipe, weights, work, facts=facts, device=device, workers=machine.workers)
    done: dict[Key, Reading] = found.results
    for name in able:
        for variant in VARIANTS:
            done[name, variant] = readings.finished(name, variant, seeds)
            found.rows = figures(recipe, done)
            record = {
                **{"table": "table4b", "recipe": recipe.name, "seeds": list(seeds), **surroundings(device)},
                **{"seconds": round(time.monotonic() - start, 1), "data": facts, "missing": missing},
                **{"segmenter": weights, "rows": found.rows, "trainings": _trainings(done)},
            }
            found.page = f"{markdown(recipe, found.rows, found.absent)}\n{where_run(record)}\n"
            write_files(work / f"table4b-{recipe.name}", found, record)
    return found


def _absent(recipe: ReadingRecipe, missing: Mapping[str, str]) -> dict[str, str]:
    """Return why recognizers, or single test sets, cannot be run."""
    absent = {}
    for name, recognizer in recipe.recognizers.items():
        lacking = [recipe.words[key].name for key in recognizer.train if key in missing]
        try:
            resolve_weights(recognizer.pretrained)
        except CheckpointError:
            lacking.append(f"the checkpoint {recognizer.pretrained}")
        if lacking or all(test in missing for test in recognizer.tests):
            absent[name] = f"without {' and '.join(lacking or ['test words'])}"
    tests = {test for recognizer in recipe.recognizers.values() for test in recognizer.tests}
    return absent | {recipe.words[test].name: "not there" for test in sorted(tests) if test in missing}


def _trainings(done: Mapping[Key, Reading]) -> list[dict[str, object]]:
    names = ("architecture", "variant", "seeds", "seconds", "weights")
    return [{name: reading[name] for name in names} for reading in done.values()]

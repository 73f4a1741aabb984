"""Table IV(b): what is missing is tuned and read, then the page is written anew."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from recognizers.loading import load_pretrained
from reproduction.data import checked, doubts
from reproduction.reading import Reading, Readings
from reproduction.reading_recipes import VARIANTS, ReadingRecipe
from reproduction.reading_table import Key, figures, markdown
from reproduction.recipes import Recipe
from reproduction.record import Machine, Reproduction, surroundings, where_run, write_files
from reproduction.rows import Rows
from segrec.core.device import resolve_device
from segrec.core.errors import CheckpointError, ConfigError, DataError
from segrec.core.runlog import LOGGER
from segrec.jobs.architectures import check_command
from segrec.weights import resolve_weights

MASK_ROW = "ours"
"""The row of Table II whose network predicts the masks."""


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
        CheckpointError: the segmenter that was named is not there.
    """
    machine = machine or Machine()
    start, device = time.monotonic(), str(resolve_device(machine.device))
    if segmenter is not None:
        resolve_weights(segmenter)
    facts, missing = checked(recipe.words)
    missing |= _missing_checkpoints(recipe)
    for line in [*missing.values(), *doubts(facts, recipe.words)]:
        LOGGER.warning("%s", line)
    found = Reproduction(missing=missing, absent=_absent(recipe, missing))
    able = [name for name in recipe.recognizers if name not in found.absent]
    if not able:
        raise DataError("\n  ".join(["nothing can be run; get", *missing.values()]))
    found.segmenter = segmenter or recipe.segmenter
    if found.segmenter is None:
        found.segmenter = _trained(found, segmentation, work, seed=seeds[0], device=device, workers=machine.workers)
    readings = Readings(recipe, found.segmenter, work, facts=facts, device=device, workers=machine.workers)
    done: dict[Key, Reading] = found.results
    for name, variant in product(able, VARIANTS):
        if VARIANTS[variant] == "predicted" and found.segmenter is None:
            continue
        done[name, variant] = readings.finished(name, variant, seeds)
        found.rows = figures(recipe, done)
        record = {"seeds": list(seeds), **surroundings(device), "seconds": round(time.monotonic() - start, 1)}
        _write(recipe, found, work, record={**record, "data": facts})
    return found


def _write(recipe: ReadingRecipe, found: Reproduction, work: Path, *, record: Mapping[str, Any]) -> None:
    """Write the table as far as it is; `record` says how and on what it was run."""
    record = {
        **{"table": "table4b", "recipe": recipe.name, **record, "missing": found.missing, "absent": found.absent},
        **{"recognizers": list(recipe.recognizers), "segmenter": found.segmenter},
        **{"rows": found.rows, "trainings": _trainings(found.results)},
    }
    page = markdown(recipe, found.rows, found.absent, segmenter=found.segmenter)
    found.page = f"{page}\n{where_run(record)}\n"
    write_files(work / f"table4b-{recipe.name}", found, record)


def _trained(
    found: Reproduction, segmentation: Recipe, work: Path, *, seed: int, device: str, workers: int
) -> str | None:
    """Return the run of `MASK_ROW`, trained if need be; None where its data are missing, which `found` then says."""
    datasets = {key: segmentation.datasets[key] for key in segmentation.rows[MASK_ROW].needs}
    facts, missing = checked(datasets)
    if not missing:
        return str(Rows(segmentation, work, facts=facts, device=device, workers=workers).weights(MASK_ROW, seed))
    for line in missing.values():
        LOGGER.warning("%s", line)
    found.missing |= missing
    found.absent["predicted masks"] = f"without {' and '.join(datasets[key].name for key in missing)}"
    return None


def _missing_checkpoints(recipe: ReadingRecipe) -> dict[str, str]:
    """Return what to get for each recognizer whose pretrained weights are not there or not its own, by its name."""
    missing = {}
    for name, recognizer in recipe.recognizers.items():
        try:
            path = resolve_weights(recognizer.pretrained)
            check_command("finetune", name, load_pretrained(path).architecture, path)
        except (CheckpointError, ConfigError) as error:
            wanted = recognizer.get or recognizer.pretrained
            layers = "the names and shapes of its layers must be that network's"
            missing[name] = f"the pretrained {name} is missing: {wanted}; {layers} ({error})"
    return missing


def _absent(recipe: ReadingRecipe, missing: Mapping[str, str]) -> dict[str, str]:
    """Return why recognizers, or single test sets, cannot be run."""
    absent = {}
    for name, recognizer in recipe.recognizers.items():
        lacking = [recipe.words[key].name for key in recognizer.train if key in missing]
        if name in missing:
            lacking.append(f"the checkpoint {recognizer.pretrained}")
        if lacking or all(test in missing for test in recognizer.tests):
            absent[name] = f"without {' and '.join(lacking or ['test words'])}"
    tests = {test for recognizer in recipe.recognizers.values() for test in recognizer.tests}
    return absent | {recipe.words[test].name: "not there" for test in sorted(tests) if test in missing}


def _trainings(done: Mapping[Key, Reading]) -> list[dict[str, object]]:
    names = ("architecture", "variant", "seeds", "seconds", "weights")
    return [{name: reading[name] for name in names} for reading in done.values()]

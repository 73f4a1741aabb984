"""A row of a table: trained where it is not, scored where it is not, and kept in a file."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reproduction.recipes import Recipe
from segmenter.choices import OURS
from segmenter.loading import load_segmenter
from segmenter.predictor import TorchSegmenter
from segrec.core.files import read_json, write_json
from segrec.core.runlog import LOGGER
from segrec.evaluation.mask_scoring import MaskScores, score_segmenters
from segrec.jobs.train_segmenter import SegmenterTraining, train_segmenter
from segrec.weights import resolve_weights

Result = Mapping[str, Any]
"""What a row's file holds: its key, seed, seconds, parameters and, by test set, each image's name and scores."""


class Rows:
    """The rows of a recipe, each finished once for a seed.

    Args:
        recipe: says how.
        work: folder of runs and results. Their names hold a digest of all settings, so that a changed recipe trains
            anew and nothing is mistaken for it.
        device: where to train and predict.
        workers: loader processes.
        columns: keys of the test sets that are there.
    """

    def __init__(self, recipe: Recipe, work: Path, *, device: str, workers: int, columns: tuple[str, ...]) -> None:
        self._recipe, self._work, self._device, self._workers = recipe, work, device, workers
        self._columns = columns

    def finished(self, key: str, seed: int) -> Result:
        """Return a row, trained and scored unless its file is there; an interrupted training goes on."""
        path = self._work / "rows" / f"{self._named(key, seed)}.json"
        if path.exists():
            found: Result = read_json(path)
            if set(self._columns) <= set(found["tests"]):
                return found
        start = time.monotonic()
        weights = self._weights(key, seed)
        model = load_segmenter(resolve_weights(weights))
        result = {
            "row": key,
            "seed": seed,
            "recipe": self._recipe.name,
            "weights": str(weights),
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "steps": self._steps(key),
            "seconds": None,
            "tests": {column: _figures(self._score(weights, column)) for column in self._columns},
        }
        result["seconds"] = round(time.monotonic() - start, 1)
        write_json(path, result)
        LOGGER.info("%s, seed %d: done in %.0f s", key, seed, result["seconds"])
        return result

    def weights(self, key: str, seed: int) -> Path | str:
        """Return the run directory of a row, or the shipped name of what has no weights."""
        return self._weights(key, seed)

    def _named(self, key: str, seed: int) -> str:
        text = json.dumps(self._settings(key, seed), sort_keys=True, default=str)
        return f"{key}-seed{seed}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    def _settings(self, key: str, seed: int) -> dict[str, Any]:
        """Return everything on which a row's figures depend."""
        recipe, row = self._recipe, self._recipe.rows[key]
        facts = {"row": asdict(row), "training": recipe.training, "width": recipe.width, "seed": seed}
        scoring = {"limit": recipe.limit, "longest_side": recipe.longest_side}
        tests = {test: (recipe.datasets[test].spec, recipe.datasets[test].with_text) for test in recipe.tests}
        parent = self._settings(row.parent, seed) if row.parent else None
        return {**facts, **scoring, "tests": tests, "parent": parent}

    def _steps(self, key: str) -> int:
        row = self._recipe.rows[key]
        return sum(stage.steps for stage in row.stages) + (self._steps(row.parent) if row.parent else 0)

    def _weights(self, key: str, seed: int) -> Path | str:
        row = self._recipe.rows[key]
        parent = self._weights(row.parent, seed) if row.parent else None
        if not row.stages:
            return row.model if parent is None else parent
        return train_segmenter(
            SegmenterTraining(
                model=row.model,
                width=None if row.model == OURS else self._recipe.width,
                polygon_branch=row.polygon_branch,
                stages=row.stages,
                pretrained=None if parent is None else str(parent),
                output=str(self._work / "runs" / self._named(key, seed)),
                seed=seed,
                evaluate_every=0,
                workers=self._workers,
                device=self._device,
                **self._recipe.training,
            )
        )

    def _score(self, weights: Path | str, column: str) -> MaskScores:
        segmenter = segmenter_of(weights, self._recipe, device=self._device)
        dataset = self._recipe.datasets[column]
        images = dataset.images()
        found = score_segmenters(
            {"": segmenter}, images, targets=["text"], limit=self._recipe.limit, description=dataset.name
        )
        return found[""]


def segmenter_of(weights: Path | str, recipe: Recipe, *, device: str = "cpu") -> TorchSegmenter:
    """Return a segmenter as all rows are scored: every picture as a scene, at one size."""
    model = load_segmenter(resolve_weights(weights))
    return TorchSegmenter(model, device=device, scene_height=0, scales=[1], longest_side=recipe.longest_side)


def _figures(scores: MaskScores) -> dict[str, Any]:
    images = scores.text.images
    return {
        "images": [image.name for image in images],
        "sizes": [[image.height, image.width] for image in images],
        "counts": [list(image.counts) for image in images],
        "precision": [image.counts.precision for image in images],
        "recall": [image.counts.recall for image in images],
        "f1": [image.counts.f1 for image in images],
        "skipped": len(scores.problems),
    }

"""A row of a table: trained where it is not, scored where it is not, and kept in a file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reproduction.digests import facts_digest
from reproduction.recipes import Recipe, Row
from segmenter.choices import OURS
from segmenter.loading import load_segmenter
from segmenter.predictor import TorchSegmenter
from segrec.core.files import file_digest, read_json, write_json
from segrec.core.runlog import LOGGER
from segrec.evaluation.mask_scoring import MaskScores, score_segmenters
from segrec.jobs.train_segmenter import SegmenterTraining, train_segmenter
from segrec.weights import resolve_weights

BEST = "best.safetensors"

Result = Mapping[str, Any]
"""What a row's file holds: its key, seed, seconds, parameters and, by test set, each image's name and scores."""


class Rows:
    """The rows of a recipe, each trained once for a seed and scored once by a setting.

    The name of a run holds a digest of all on which its weights depend, the contents of its data among them, and the
    name of a row's file one of the scoring as well: a changed scoring trains nothing, a changed training scores anew.

    Args:
        recipe: says how.
        work: folder of runs and results.
        facts: of the datasets that are there, see `reproduction.data.checked`; those of rows that are asked for are.
        device: where to train and predict.
        workers: loader processes.
    """

    def __init__(
        self, recipe: Recipe, work: Path, *, facts: Mapping[str, Mapping[str, Any]], device: str, workers: int
    ) -> None:
        self._recipe, self._work, self._device, self._workers = recipe, work, device, workers
        self._facts = facts
        self._columns = [test for test in recipe.tests if test in facts]

    def finished(self, key: str, seed: int) -> Result:
        """Return a row, trained and scored unless its file is there; an interrupted training goes on."""
        training = self._training(key, seed)
        name = f"{_run_name(key, seed, training)}-{facts_digest(self._scoring())}"
        path = self._work / "rows" / f"{name}.json"
        if path.exists():
            found: Result = read_json(path)
            return found
        start = time.monotonic()
        weights = self.weights(key, seed)
        segmenter = segmenter_of(weights, self._recipe, device=self._device)
        result = {
            "row": key,
            "seed": seed,
            "recipe": self._recipe.name,
            "weights": str(weights),
            "parameters": sum(parameter.numel() for parameter in segmenter.model.parameters()),
            "steps": self._steps(key),
            "seconds": None,
            "tests": {column: _figures(self._score(segmenter, column)) for column in self._columns},
        }
        result["seconds"] = round(time.monotonic() - start, 1)
        write_json(path, result)
        LOGGER.info("%s, seed %d: done in %.0f s", key, seed, result["seconds"])
        return result

    def weights(self, key: str, seed: int) -> Path | str:
        """Return the run directory of a row, trained unless it is, or the shipped name of what has no training."""
        row = self._recipe.rows[key]
        parent = self.weights(row.parent, seed) if row.parent else None
        if not row.stages:
            return row.model if parent is None else parent
        run = self._work / "runs" / _run_name(key, seed, self._training(key, seed))
        if (run / BEST).exists():  # without validation, it is written at the end
            return run
        return train_segmenter(
            SegmenterTraining(
                model=row.model,
                width=self._width(row),
                polygon_branch=row.polygon_branch,
                stages=row.stages,
                pretrained=None if parent is None else str(parent),
                output=str(run),
                seed=seed,
                evaluate_every=0,
                workers=self._workers,
                device=self._device,
                **self._recipe.training,
            )
        )

    def _training(self, key: str, seed: int) -> dict[str, Any]:
        """Return everything on which a row's weights depend; where its data lie is not among it."""
        row = self._recipe.rows[key]
        return {
            **{"model": row.model, "width": self._width(row), "polygon_branch": row.polygon_branch, "seed": seed},
            "stages": [{**asdict(stage), "scenes": list(map(self._content, stage.scenes))} for stage in row.stages],
            "training": self._recipe.training,
            "shipped": None if row.trained else file_digest(resolve_weights(row.model)),
            "parent": self._training(row.parent, seed) if row.parent else None,
        }

    def _width(self, row: Row) -> int | None:
        """Return the width of a baseline; that of our own network is its preset's."""
        return None if row.model == OURS else self._recipe.width

    def _scoring(self) -> dict[str, Any]:
        """Return everything else on which a row's figures depend."""
        recipe, tests = self._recipe, {test: self._recipe.datasets[test] for test in self._columns}
        content = {test: [*self._content(dataset.spec), dataset.with_text] for test, dataset in tests.items()}
        return {"limit": recipe.limit, "longest_side": recipe.longest_side, "tests": content}

    def _content(self, spec: str) -> list[str]:
        """Return a dataset's kind with its split, and its digest."""
        key = next(key for key, dataset in self._recipe.datasets.items() if dataset.spec == spec)
        return [spec.partition("=")[0], self._facts[key]["sha256"]]

    def _steps(self, key: str) -> int:
        row = self._recipe.rows[key]
        return sum(stage.steps for stage in row.stages) + (self._steps(row.parent) if row.parent else 0)

    def _score(self, segmenter: TorchSegmenter, column: str) -> MaskScores:
        dataset = self._recipe.datasets[column]
        found = score_segmenters(
            {"": segmenter}, dataset.images, targets=["text"], limit=self._recipe.limit, description=dataset.name
        )
        return found[""]


def _run_name(key: str, seed: int, training: Mapping[str, Any]) -> str:
    return f"{key}-seed{seed}-{facts_digest(training)}"


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

"""Table IV(b): recognizers plain and tuned without a mask, with random, empty and predicted masks."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reproduction.reading_recipes import VARIANTS, ReadingRecipe
from segrec.core.files import read_json, write_json
from segrec.core.runlog import LOGGER
from segrec.jobs.evaluate import Evaluation, evaluate
from segrec.jobs.finetune import FineTuning, finetune
from segrec.jobs.precompute import precompute_masks

Reading = Mapping[str, Any]
"""What a variant's file holds: by test set, for each seed, label, text and whether it is right, of each word."""


class Readings:
    """The variants of a recipe, each finished once for its seeds.

    Args:
        recipe: says how.
        segmenter: weights that predict the masks.
        work: folder of masks, runs and results, whose names hold a digest of all settings.
        device: where to train and read.
        workers: loader processes.
        there: keys of the words that are there.
    """

    def __init__(
        self, recipe: ReadingRecipe, segmenter: str, work: Path, *, device: str, workers: int, there: Sequence[str]
    ) -> None:
        self._recipe, self._segmenter, self._work = recipe, segmenter, work
        self._device, self._workers, self._there = device, workers, there

    def finished(self, architecture: str, variant: str, seeds: Sequence[int]) -> Reading:
        """Return a variant, tuned and read unless its file is there; an interrupted tuning goes on."""
        name = self._named(architecture, variant, seeds)
        path = self._work / "readings" / f"{name}.json"
        if path.exists():
            found: Reading = read_json(path)
            return found
        start = time.monotonic()
        recognizer = self._recipe.recognizers[architecture]
        seeds = seeds if variant != "plain" else seeds[:1]
        runs = [self._tuned(architecture, variant, seed) for seed in seeds]
        tests = [test for test in recognizer.tests if test in self._there]
        mask = VARIANTS[variant]
        results = evaluate(
            Evaluation(
                data={test: self._recipe.words[test].spec for test in tests},
                masks={test: [str(self._masks(test))] for test in tests} if mask == "predicted" else {},
                models={f"{architecture} {variant}": runs},
                mask=[mask],
                limit=self._recipe.limit,
                device=self._device,
            )
        )
        reading = {
            **{"architecture": architecture, "variant": variant, "seeds": list(seeds), "weights": runs},
            "seconds": round(time.monotonic() - start, 1),
            "tests": {
                result.dataset: [
                    [
                        {name: asdict(word)[name] for name in ("index", "label", "text", "correct")}
                        for word in scored.outcomes
                    ]
                    for scored in result.seeds
                ]
                for result in results
            },
        }
        write_json(path, reading)
        LOGGER.info("%s, %s: done in %.0f s", architecture, variant, reading["seconds"])
        return reading

    def _tuned(self, architecture: str, variant: str, seed: int) -> str:
        """Return the weights of a variant: the pretrained ones of the plain one, else a run directory."""
        recognizer = self._recipe.recognizers[architecture]
        if variant == "plain":
            return recognizer.pretrained
        mask = VARIANTS[variant]
        options: dict[str, Any] = dict(recognizer.tuning)
        if mask == "none":
            options.pop("init", None)
        if mask == "predicted":
            options["masks"] = [str(self._masks(key)) for key in recognizer.train]
        run = finetune(
            FineTuning(
                data=[self._recipe.words[key].spec for key in recognizer.train],
                output=str(self._work / "runs" / self._named(architecture, variant, [seed])),
                architecture=architecture,
                pretrained=recognizer.pretrained,
                mask=mask,
                segmenter=self._segmenter,
                seed=seed,
                workers=self._workers,
                device=self._device,
                **options,
            )
        )
        return str(run)

    def _masks(self, key: str) -> Path:
        """Return the predicted masks of words, computed once for all variants and recognizers."""
        limit = self._recipe.limit if key not in self._trained else None
        told = f"{self._segmenter} {self._recipe.words[key].spec} {limit}"
        store = self._work / "masks" / f"{key}-{hashlib.sha256(told.encode()).hexdigest()[:10]}"
        precompute_masks(
            self._recipe.words[key].spec, store, segmenter=self._segmenter, limit=limit, device=self._device
        )
        return store

    @property
    def _trained(self) -> set[str]:
        return {key for recognizer in self._recipe.recognizers.values() for key in recognizer.train}

    def _named(self, architecture: str, variant: str, seeds: Sequence[int]) -> str:
        recognizer = self._recipe.recognizers[architecture]
        facts = {
            "recognizer": asdict(recognizer),
            "words": {key: words.spec for key, words in self._recipe.words.items()},
            "segmenter": self._segmenter,
            "limit": self._recipe.limit,
            "seeds": list(seeds),
            "there": [test for test in recognizer.tests if test in self._there],
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:10]
        return f"{architecture}-{variant.replace(' ', '-')}-{digest}"

"""Table IV(b): recognizers plain and tuned without a mask, with random, empty and predicted masks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reproduction.digests import facts_digest
from reproduction.reading_recipes import JOINS, VARIANTS, ReadingRecipe, Recognizer
from reproduction.rows import BEST
from segrec.core.files import file_digest, read_json, write_json
from segrec.core.runlog import LOGGER
from segrec.jobs.evaluate import Evaluation, evaluate
from segrec.jobs.finetune import FineTuning, finetune
from segrec.jobs.precompute import precompute_masks
from segrec.weights import resolve_weights

Reading = Mapping[str, Any]
"""What a variant's file holds: by test set, for each seed, the `WordOutcome` of each word."""


class Readings:
    """The variants of a recipe, each tuned once for a seed and read once by a setting.

    The name of a run holds a digest of all on which its weights depend, the contents of its words, of the pretrained
    weights and of the segmenter among them; the name of a reading one of the test words and the limit as well.

    Args:
        recipe: says how.
        segmenter: weights that predict the masks; None where there are none, and no variant with predicted masks.
        work: folder of masks, runs and results.
        facts: of the words that are there, see `reproduction.data.checked`.
        device: where to train and read.
        workers: loader processes.
    """

    def __init__(
        self,
        recipe: ReadingRecipe,
        segmenter: str | None,
        work: Path,
        *,
        facts: Mapping[str, Mapping[str, Any]],
        device: str,
        workers: int,
    ) -> None:
        self._recipe, self._segmenter, self._work = recipe, segmenter, work
        self._device, self._workers, self._facts = device, workers, facts
        self._segmenter_digest = None if segmenter is None else file_digest(resolve_weights(segmenter))
        self._pretrained_digests: dict[str, str] = {}

    def finished(self, architecture: str, variant: str, seeds: Sequence[int]) -> Reading:
        """Return a variant, tuned and read unless its file is there; an interrupted tuning goes on."""
        seeds = seeds if variant != "plain" else seeds[:1]
        path = self._work / "readings" / f"{self._reading_name(architecture, variant, seeds)}.json"
        if path.exists():
            found: Reading = read_json(path)
            return found
        start = time.monotonic()
        runs = [self._tuned(architecture, variant, seed) for seed in seeds]
        tests, mask = self._tests(architecture), VARIANTS[variant]
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
                result.dataset: [[asdict(word) for word in scored.outcomes] for scored in result.seeds]
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
        facts = self._tuning(architecture, variant, seed)
        run = self._work / "runs" / f"{_slug(architecture, variant)}-seed{seed}-{facts_digest(facts)}"
        if (run / BEST).exists():  # without validation, it is written at the end
            return str(run)
        mask = VARIANTS[variant]
        options = _options(recognizer, variant)
        if mask == "predicted":
            options["masks"] = [str(self._masks(key)) for key in recognizer.train]
        finetune(
            FineTuning(
                data=[self._recipe.words[key].spec for key in recognizer.train],
                output=str(run),
                architecture=architecture,
                pretrained=recognizer.pretrained,
                mask=mask,
                seed=seed,
                workers=self._workers,
                device=self._device,
                **options,
            )
        )
        return str(run)

    def _masks(self, key: str) -> Path:
        """Return the predicted masks of words, computed once for all variants and recognizers."""
        assert self._segmenter is not None
        trained = {key for recognizer in self._recipe.recognizers.values() for key in recognizer.train}
        limit = None if key in trained else self._recipe.limit
        named = resolve_weights(self._segmenter).stem  # a store that was made with another name is refused
        facts = {"words": self._content(key), "segmenter": [named, self._segmenter_digest], "limit": limit}
        store = self._work / "masks" / f"{key}-{facts_digest(facts)}"
        precompute_masks(
            self._recipe.words[key].spec, store, segmenter=self._segmenter, limit=limit, device=self._device
        )
        return store

    def _tests(self, architecture: str) -> list[str]:
        return [test for test in self._recipe.recognizers[architecture].tests if test in self._facts]

    def _reading_name(self, architecture: str, variant: str, seeds: Sequence[int]) -> str:
        facts = {
            "tunings": [self._tuning(architecture, variant, seed) for seed in seeds],
            "tests": {test: self._content(test) for test in self._tests(architecture)},
            "limit": self._recipe.limit,
        }
        return f"{_slug(architecture, variant)}-{facts_digest(facts)}"

    def _tuning(self, architecture: str, variant: str, seed: int) -> dict[str, Any]:
        """Return everything on which a variant's weights depend; where files lie is not among it."""
        recognizer, mask = self._recipe.recognizers[architecture], VARIANTS[variant]
        facts: dict[str, Any] = {"architecture": architecture, "pretrained": self._pretrained(architecture)}
        if variant == "plain":
            return facts
        data = [self._content(key) for key in recognizer.train]
        facts |= {"mask": mask, "seed": seed, "tuning": _options(recognizer, variant), "data": data}
        return facts | ({"segmenter": self._segmenter_digest} if mask == "predicted" else {})

    def _pretrained(self, architecture: str) -> str:
        """Return the digest of the weights that a recognizer starts from."""
        if architecture not in self._pretrained_digests:
            path = resolve_weights(self._recipe.recognizers[architecture].pretrained)
            self._pretrained_digests[architecture] = file_digest(path)
        return self._pretrained_digests[architecture]

    def _content(self, key: str) -> list[str]:
        """Return what tells the content of words."""
        return [self._facts[key]["sha256"], self._facts[key]["revision"]]


def _options(recognizer: Recognizer, variant: str) -> dict[str, Any]:
    """Return the settings with which a variant is tuned; without a mask channel nothing is drawn anew."""
    options = {**recognizer.tuning, **JOINS.get(variant, {})}
    if VARIANTS[variant] == "none" or variant in JOINS:
        options.pop("init", None)
    return options


def _slug(architecture: str, variant: str) -> str:
    return f"{architecture}-{variant.replace(',', '').replace(' ', '-')}"

"""The recipes of the shipped mask network, one after the other; `make_weights.py` runs them."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from segmenter import MutuallyGuidedNet
from segmenter.loading import load_segmenter, save_segmenter
from segrec.jobs.segmenter_stages import Stage, stage_of
from segrec.jobs.train_segmenter import SegmenterTraining, train_segmenter

FOLDER = Path(__file__).parent / "recipes"
BEGINNING = ("mgnet-slim.toml", "mgnet-slim-words.toml", "mgnet-slim-textfree.toml")
LONGER, READING, WIDE = "mgnet-slim-longer.toml", "mgnet-slim-reading.toml", "mgnet-slim-wide.toml"
AVERAGED = "mgnet-slim-averaged.safetensors"
LAST_SHARE = 0.7
"""Share of the last part's weights in the average from which `LONGER` goes on; the part before has the rest."""
SPECS = ("words", "scenes")
PATHS = ("output", "pretrained", "reader")


@dataclass(frozen=True)
class SegmenterRecipes:
    """The folders that the recipes' paths stand for.

    Attributes:
        data: rendered words and scenes.
        runs: run directories and what is made of them.
        real_scenes: training scenes by the last part of their paths in the recipes; others are left out.
        real_words: words with transcripts, likewise.
    """

    data: Path
    runs: Path
    real_scenes: dict[str, Path]
    real_words: dict[str, Path]

    def begin(self) -> Path:
        """Train all parts that need no recognizer; return the last run directory."""
        runs = [self.train(name) for name in BEGINNING]
        averaged = average(*(load_segmenter(run / "last.safetensors") for run in runs[-2:]), share=LAST_SHARE)
        save_segmenter(self.runs / AVERAGED, averaged)
        return self.train(LONGER)

    def read(self, reader: Path) -> Path:
        """Train on with a frozen recognizer; return the run directory.

        Args:
            reader: its weights, of which a copy is kept, since they are made again with the new masks.
        """
        kept = self.runs / reader.name
        if not kept.exists():
            shutil.copyfile(reader, kept)
        return self.train(READING)

    def widen(self) -> Path:
        """Train on with more channels; return the run directory."""
        return self.train(WIDE)

    def train(self, name: str) -> Path:
        """Train by one recipe, or go on with its run; return the run directory."""
        recipe, stages = _read(name)
        for key in SPECS:
            recipe[key] = self._specs(recipe.get(key, []))
        if "reading" in recipe:
            named = ((Path(path).name, self.data / Path(path).name) for path in recipe["reading"])
            found = [self.real_words.get(name, path) for name, path in named]
            recipe["reading"] = [str(path) for path in found if path.exists()]
        for key in PATHS:
            if key in recipe:
                recipe[key] = str(self.runs / Path(recipe[key]).name)
        if "reader" in recipe:
            recipe["reader"] += ".safetensors"
        stages = [replace(stage, words=self._specs(stage.words)) for stage in stages]
        return train_segmenter(SegmenterTraining(stages=stages, **{"seed": 3, **recipe}))

    def _specs(self, specs: Sequence[str]) -> list[str]:
        """Return a recipe's specs with the paths that they have here; real scenes only where they are given."""
        here = []
        for spec in specs:
            kind, _, path = spec.partition("=")
            name = Path(path).name
            if kind in SPECS:
                here.append(f"{kind}={self.data / name}")
            elif name in self.real_scenes:
                here.append(f"{kind}={self.real_scenes[name]}")
        return here


def steps_of(*names: str) -> int:
    """Return the optimiser steps of recipes."""
    return sum(stage.steps for name in names for stage in _read(name)[1])


def average(before: MutuallyGuidedNet, last: MutuallyGuidedNet, *, share: float) -> MutuallyGuidedNet:
    """Return the weighted mean of two networks of one training, in `last`."""
    states = before.state_dict(), last.state_dict()
    last.load_state_dict(
        {
            name: torch.lerp(states[0][name], value, share) if value.is_floating_point() else value
            for name, value in states[1].items()
        }
    )
    return last


def _read(name: str) -> tuple[dict[str, Any], list[Stage]]:
    """Return a recipe's settings and its stages."""
    recipe = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
    stages = [stage_of(table) for table in recipe.pop("stage")]
    return {key.replace("-", "_"): value for key, value in recipe.items()}, stages

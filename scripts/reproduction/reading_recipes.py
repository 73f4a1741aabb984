"""What the rows of Table IV(b) are tuned and tested on, by the paper's setting and by one that fits two CPU cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reproduction.data import Words, rendered_words

STREAM = "predicted, stream"
VARIANTS = {
    "plain": "none",
    "no mask": "none",
    "random": "random",
    "zero": "zero",
    "predicted": "predicted",
    STREAM: "predicted",
}
"""The kind of mask of each variant; all but the plain network are tuned, for equal steps."""
JOINS: Mapping[str, Mapping[str, Any]] = {STREAM: {"fusion": "stream"}}
"""How masks join where they are no channel of the input layer; not in the paper."""

PRINTED = {
    ("crnn", "icdar03"): {"plain": 89.40, "random": 89.85, "predicted": 91.35},
    ("crnn", "icdar13"): {"plain": 86.70, "random": 86.80, "predicted": 87.68},
    ("crnn", "svt"): {"plain": 80.80, "random": 80.99, "predicted": 82.84},
    ("aster", "cute80"): {"plain": 79.50, "random": 79.90, "predicted": 83.70},
    ("aster", "svtp"): {"plain": 78.50, "random": 79.20, "predicted": 83.90},
}
"""Word accuracy in per cent that the paper printed."""


@dataclass(frozen=True)
class Recognizer:
    """One of the two recognizers.

    Attributes:
        pretrained: weights that all variants start from.
        get: what to get, and where it must lie; empty for weights that come with the package.
        train: keys of the words on which they are tuned.
        tests: keys of the words that they read.
        tuning: settings of `FineTuning`.
    """

    pretrained: str
    train: tuple[str, ...]
    tests: tuple[str, ...]
    tuning: Mapping[str, Any]
    get: str = ""


@dataclass(frozen=True)
class ReadingRecipe:
    """A setting of Table IV(b).

    Attributes:
        words: by key.
        recognizers: by architecture.
        segmenter: weights that predict the masks; None takes the row "ours" of Table II, which is trained if need be.
        limit: most words of each test set.
        says: what a reader must know of it.
    """

    name: str
    words: dict[str, Words]
    recognizers: dict[str, Recognizer]
    segmenter: str | None
    says: str
    limit: int | None = None


def reading_recipe(name: str, root: Path, work: Path, *, dry: bool = False) -> ReadingRecipe:
    """Return a recipe; see `reproduction.recipes.recipe_of` for the arguments."""
    made = work / ("data-dry" if dry else "data")
    found = _paper(root) if name == "paper" else _small(root, made, few=dry)
    if not dry:
        return found
    few = {"steps": 2, "batch_size": 4, "checkpoint_every": 1}
    recognizers = {
        key: replace(recognizer, tuning={**recognizer.tuning, **few}) for key, recognizer in found.recognizers.items()
    }
    says = "A dry run: these figures mean nothing."
    return replace(found, name=f"{name}-dry", recognizers=recognizers, limit=12, says=says)


def _paper(root: Path) -> ReadingRecipe:
    def words(key: str, count: int | None, command: str) -> Words:
        path = root / "words" / key
        return Words(key, str(path), count, f"{command} --output {path}")

    sets = {
        "synth90k": words("synth90k", None, "segrec import synth90k SOURCE"),
        "synthtext": words("synthtext", None, "segrec import synthtext SOURCE"),
        "icdar03": words("icdar03", 860, "segrec import icdar03 SOURCE --split test --subset 860"),
        "icdar13": words("icdar13", 1015, "segrec import icdar13 SOURCE --split test --subset 1015"),
        "svt": words("svt", 647, "segrec import svt SOURCE --split test"),
        "cute80": words("cute80", 288, "segrec import cute80 SOURCE"),
        "svtp": words("svtp", 645, "segrec import svtp SOURCE"),
    }
    tuning = {
        "steps": 20_000,
        "batch_size": 64,
        "init": "random",
        "train": "input",
        "learning_rate": 1e-3,
        "checkpoint_every": 500,
    }
    crnn, aster = root / "checkpoints" / "crnn.pth", root / "checkpoints" / "aster.pth.tar"
    of_crnn = f"crnn.pth of github.com/meijieru/crnn.pytorch at {crnn}"
    of_aster = f"demo.pth.tar of github.com/ayumiymk/aster.pytorch at {aster}"
    return ReadingRecipe(
        name="paper",
        words=sets,
        recognizers={
            "crnn": Recognizer(str(crnn), ("synth90k",), ("icdar03", "icdar13", "svt"), tuning, of_crnn),
            "aster": Recognizer(str(aster), ("synth90k", "synthtext"), ("cute80", "svtp"), tuning, of_aster),
        },
        segmenter=None,
        says="The paper's setting: public checkpoints, the input layer drawn anew and tuned alone on their training "
        "words. Steps, rate and batch size are not stated in the paper; ICDAR-03 is the 860 words of letters and "
        "digits, three or more, of the 1,107-word release.",
    )


def _small(root: Path, made: Path, *, few: bool) -> ReadingRecipe:
    sets = {
        "mixed": rendered_words("rendered", made / "words", count=24 if few else 4000, seed=43_001),
        "hard": rendered_words("rendered hard", made / "words-hard", count=24 if few else 4000, seed=43_002, hard=True),
        "mixed-test": rendered_words("rendered", made / "words-test", count=12 if few else 500, seed=43_003),
        "hard-test": rendered_words(
            "rendered hard", made / "words-test-hard", count=12 if few else 500, seed=43_004, hard=True
        ),
    }
    for key, count in (("iiit5k_test", 3000), ("icdar2015_test", 2077)):
        path = root / "words" / key
        sets[key] = Words(key, str(path), count, f"segrec import {key.partition('_')[0]} SOURCE --output {path}")
    tests = ("mixed-test", "hard-test", "iiit5k_test", "icdar2015_test")
    tuning = {"batch_size": 64, "train": "input", "learning_rate": 5e-4, "checkpoint_every": 50}
    return ReadingRecipe(
        name="small",
        words=sets,
        recognizers={
            "crnn": Recognizer("crnn-slim", ("mixed", "hard"), tests, {**tuning, "steps": 400}),
            "aster": Recognizer("aster-slim", ("mixed", "hard"), tests, {**tuning, "steps": 300}),
        },
        segmenter="mgnet-slim",
        limit=1000,
        says="The small setting: shipped slim recognizers, widened with weights of zero for the mask and tuned in "
        "their input layer on rendered words; masks of the shipped mgnet-slim. Neither the words nor the recognizers "
        "are the paper's.",
    )

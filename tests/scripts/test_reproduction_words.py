"""Table IV(b) and Fig. 9: what is tuned and read anew, what is missing, and which words are drawn."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any


from segrec.weights import resolve_weights

TUNING = {"steps": 2, "batch_size": 4, "train": "input", "learning_rate": 5e-4, "checkpoint_every": 1}


def tiny(folder: Path, **changes: Any):
    """A recipe of two recognizers on a few rendered words, which are made on first use."""
    from reproduction.data import rendered_words
    from reproduction.reading_recipes import ReadingRecipe, Recognizer

    words = {
        name: rendered_words(name, folder / name, count=6, seed=seed) for seed, name in enumerate(("train", "test"))
    }
    recognizers = {
        name: Recognizer(f"{name}-slim", ("train",), ("test",), TUNING) for name in changes.pop("names", ("crnn",))
    }
    return replace(ReadingRecipe("tiny", words, recognizers, "mgnet-slim", "Tiny."), **changes)


def read(recipe, work: Path, variant: str, *, segmenter: str = "mgnet-slim") -> dict[str, Any]:
    from reproduction.data import checked
    from reproduction.reading import Readings

    facts, missing = checked(recipe.words)
    assert not missing
    return Readings(recipe, segmenter, work, facts=facts, device="cpu", workers=0).finished("crnn", variant, [0])


def runs(work: Path) -> set[str]:
    return {path.name for path in (work / "runs").iterdir()}


def test_a_changed_limit_reads_anew_and_tunes_nothing(tmp_path: Path):
    assert len(read(tiny(tmp_path), tmp_path, "random")["tests"]["test"][0]) == 6
    before = runs(tmp_path)
    assert len(read(tiny(tmp_path, limit=3), tmp_path, "random")["tests"]["test"][0]) == 3
    assert runs(tmp_path) == before


def test_other_weights_under_the_same_name_tune_anew(tmp_path: Path):
    pretrained = tmp_path / "crnn.safetensors"

    def tuned(name: str) -> str:
        shutil.copy(resolve_weights(name), pretrained)
        recipe = tiny(tmp_path)
        own = {"crnn": replace(recipe.recognizers["crnn"], pretrained=str(pretrained))}
        return read(replace(recipe, recognizers=own), tmp_path, "no mask")["weights"][0]

    first, other = tuned("crnn-slim"), tuned("crnn-slim-none")
    assert first != other and tuned("crnn-slim") == first


def test_another_segmenter_tunes_the_variant_with_predicted_masks_alone(tmp_path: Path):
    copied = tmp_path / "mine.safetensors"
    shutil.copy(resolve_weights("mgnet-slim"), copied)
    recipe = tiny(tmp_path)
    for variant in ("no mask", "predicted"):
        read(recipe, tmp_path, variant)
    before = runs(tmp_path)
    for variant in ("no mask", "predicted"):
        read(recipe, tmp_path, variant, segmenter=str(copied))
    assert runs(tmp_path) == before, "the same weights under another name"
    for variant in ("no mask", "predicted"):
        read(recipe, tmp_path, variant, segmenter="mser-swt")
    assert {name.rpartition("-")[0] for name in runs(tmp_path) - before} == {"crnn-predicted-seed0"}


def test_one_seed_gives_the_same_bits_wherever_it_is_run(tmp_path: Path):
    found = [read(tiny(tmp_path / name), tmp_path / name, "predicted") for name in ("here", "there")]
    assert found[0]["tests"] == found[1]["tests"]
    weights = [(Path(reading["weights"][0]) / "best.safetensors").read_bytes() for reading in found]
    assert weights[0] == weights[1]

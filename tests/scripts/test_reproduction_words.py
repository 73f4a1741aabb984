"""Table IV(b) and Fig. 9: what is tuned and read anew, what is missing, and which words are drawn."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from segrec.core.errors import CheckpointError, DataError
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


def repeat(recipe, work: Path, **options: Any):
    from reproduction.recipes import recipe_of
    from reproduction.recognition import reproduce_reading
    from reproduction.record import Machine

    segmentation = recipe_of("small", work / "nowhere", work, dry=True)
    return reproduce_reading(recipe, segmentation, work, machine=Machine("cpu", 0), **options)


def runs(work: Path) -> set[str]:
    return {path.name for path in (work / "runs").iterdir()}


def test_the_variant_that_is_ours_has_a_stream_and_the_papers_setting_draws_nothing_for_it_anew(tmp_path: Path):
    from reproduction.reading_recipes import STREAM

    from recognizers import load_pretrained
    from recognizers.fused_part import fusion_of

    recipe = tiny(tmp_path)
    drawn = {"crnn": replace(recipe.recognizers["crnn"], tuning={**TUNING, "init": "random"})}
    run = read(replace(recipe, recognizers=drawn), tmp_path, STREAM)["weights"][0]
    assert Path(run).name.startswith("crnn-predicted-stream-seed0-")
    tuned = load_pretrained(resolve_weights(run))
    assert fusion_of(tuned, "cnn.conv0") == "stream"
    assert tuned.cnn.fusion.join.weight.any() and tuned.cnn.conv0.in_channels == 1


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


def test_a_renamed_segmenter_goes_on_beside_the_masks_of_its_old_name(tmp_path: Path):
    copied = tmp_path / "mine.safetensors"
    shutil.copy(resolve_weights("mgnet-slim"), copied)
    before = read(tiny(tmp_path), tmp_path, "predicted")
    shutil.rmtree(tmp_path / "readings")  # as if it was killed before they were written
    assert read(tiny(tmp_path), tmp_path, "predicted", segmenter=str(copied))["tests"] == before["tests"]


def test_one_seed_gives_the_same_bits_wherever_it_is_run(tmp_path: Path):
    found = [read(tiny(tmp_path / name), tmp_path / name, "predicted") for name in ("here", "there")]
    assert found[0]["tests"] == found[1]["tests"]
    weights = [(Path(reading["weights"][0]) / "best.safetensors").read_bytes() for reading in found]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("content", [None, b"no weights"], ids=["absent", "damaged"])
def test_a_missing_checkpoint_is_named_and_the_other_recognizer_is_run(tmp_path: Path, content: bytes | None):
    from reproduction.reading_recipes import VARIANTS

    path = tmp_path / "crnn.pth"
    if content is not None:
        path.write_bytes(content)
    recipe = tiny(tmp_path, names=("crnn", "aster"))
    lost = replace(recipe.recognizers["crnn"], pretrained=str(path), get=f"crnn.pth of its authors at {path}")
    found = repeat(replace(recipe, recognizers={**recipe.recognizers, "crnn": lost}), tmp_path)
    assert found.missing["crnn"].startswith(
        f"the pretrained crnn is missing: crnn.pth of its authors at {path}; the names and shapes of its layers must "
        "be that network's ("
    )
    assert f"crnn: without the checkpoint {path}" in found.page
    assert [(row["recognizer"], row["variant"]) for row in found.rows] == [("aster", name) for name in VARIANTS]


def test_where_nothing_can_be_run_everything_that_is_missing_has_a_line(tmp_path: Path):
    recipe = tiny(tmp_path)
    lost = {"crnn": replace(recipe.recognizers["crnn"], pretrained=str(tmp_path / "crnn.pth"))}
    with pytest.raises(DataError, match=r"^nothing can be run; get\n  the pretrained crnn is missing: [^\n]*$"):
        repeat(replace(recipe, recognizers=lost), tmp_path)


def test_the_papers_checkpoints_are_named_with_their_source_and_place(tmp_path: Path):
    from reproduction.reading_recipes import reading_recipe

    found = reading_recipe("paper", tmp_path, tmp_path).recognizers
    assert found["crnn"].get == f"crnn.pth of github.com/meijieru/crnn.pytorch at {tmp_path}/checkpoints/crnn.pth"
    assert found["aster"].get.startswith("demo.pth.tar of github.com/ayumiymk/aster.pytorch at ")


def test_without_the_segmenters_data_the_other_variants_are_run(tmp_path: Path):
    found = repeat(tiny(tmp_path, segmenter=None), tmp_path)
    assert "mlt17_train is missing: photographs with the quadrangles" in found.missing["mlt17"]
    assert "predicted masks: without icdar2015_train and mlt17_train" in found.page
    assert [row["variant"] for row in found.rows] == ["plain", "no mask", "random", "zero"]


def test_a_segmenter_that_was_named_and_is_not_there_is_refused_before_the_first_row(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"no weights at .*; name a file, a run directory, .*or one of"):
        repeat(tiny(tmp_path), tmp_path, segmenter=str(tmp_path / "none"))
    assert not (tmp_path / "readings").exists()


def outcome(index: int, label: str, text: str) -> dict[str, Any]:
    return {"index": index, "label": label, "text": text, "correct": label == text}


def test_figure_9_draws_the_words_that_masks_repaired_and_those_that_they_broke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from reproduction import word_figure
    from reproduction.data import checked
    from reproduction.record import Reproduction

    recipe = tiny(tmp_path)
    checked(recipe.words)
    labels = [recipe.words["test"].database.label(position) for position in range(4)]
    right = [outcome(number, label, label) for number, label in enumerate(labels, start=1)]
    wrong = [outcome(number, label, "x?") for number, label in enumerate(labels, start=1)]
    without, with_mask = [wrong[0], right[1], right[2], wrong[3]], [right[0], wrong[1], right[2], wrong[3]]
    found = Reproduction(segmenter="mgnet-slim", results={
        ("crnn", "no mask"): {"tests": {"test": [without]}}, ("crnn", "predicted"): {"tests": {"test": [with_mask]}},
    })  # fmt: skip
    drawn: list[Any] = []
    real = word_figure.draw_sheet
    monkeypatch.setattr(
        word_figure, "draw_sheet", lambda path, lines, **options: (drawn.extend(lines), real(path, lines, **options))
    )
    word_figure.draw_words(recipe, found, tmp_path / "fig9.png")
    assert [[cell.title for cell in line] for line in drawn] == [
        [f"crnn, repaired: {labels[0]}\nwithout a mask: x?", f"with the mask:\n{labels[0]}"],
        [f"crnn, broken: {labels[1]}\nwithout a mask: {labels[1]}", "with the mask:\nx?"],
    ]
    assert drawn[0][0].picture.shape[:2] == drawn[0][1].picture.shape, "the mask of that word"
    assert Image.open(tmp_path / "fig9.png").height > 200


def test_figure_9_without_a_changed_word_says_so(tmp_path: Path):
    from reproduction.record import Reproduction
    from reproduction.word_figure import draw_words

    with pytest.raises(DataError, match="repaired no word and broke none"):
        draw_words(tiny(tmp_path), Reproduction(segmenter="mgnet-slim"), tmp_path / "fig9.png")

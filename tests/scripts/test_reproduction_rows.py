"""Rows of the paper's tables: what trains them anew, what only scores them anew, and what leaves them as they are."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from segrec.jobs.segmenter_stages import Stage

SPEC = {"supervision": "text", "phases": 1, "lambda1": 0.0, "lambda2": 0.0}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three folders of rendered scenes."""
    from reproduction.data import rendered

    folder = tmp_path_factory.mktemp("scenes")
    for seed, name in enumerate(("train", "first", "second")):
        rendered(name, folder / name, count=2, seed=seed).facts()
    return folder


def tiny(scenes: Path, **changes: object):
    """A recipe of three rows in the places of Table IV(a)'s, of which one takes its parent's weights."""
    from reproduction.data import rendered
    from reproduction.recipes import Recipe, Row

    datasets = {name: rendered(name, scenes / name, count=2, seed=0) for name in ("train", "first", "second")}
    stage = Stage("masks", 2, 1e-3, scenes=(datasets["train"].spec,), **SPEC)
    rows = {
        "phase-1": Row("unet", (stage,), needs=("train",)),
        "alpha-table": Row("unet", (stage,), parent="phase-1", needs=("train",)),
        "alpha-text": Row("unet", parent="phase-1", needs=("train",)),
        "ours": Row("unet", (replace(stage, lr=2e-3),), parent="phase-1", needs=("train",)),
    }
    training = {"scene_side": 32, "scene_batch": 2, "checkpoint_every": 1}
    recipe = Recipe("tiny", datasets, ("first", "second"), rows, training, 2, 64, "Tiny.", limit=2)
    return replace(recipe, **changes)


def finished(recipe, work: Path, key: str = "ours", seed: int = 0):
    from reproduction.data import checked
    from reproduction.rows import Rows

    facts, missing = checked(recipe.datasets)
    assert not missing
    return Rows(recipe, work, facts=facts, device="cpu", workers=0).finished(key, seed)


def times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.*") if path.is_file()}


def inverted(path: Path) -> None:
    ImageOps.invert(Image.open(path)).save(path)


@pytest.fixture
def work(scenes: Path, tmp_path: Path) -> Path:
    """The row "ours", trained and scored."""
    finished(tiny(scenes), tmp_path / "work")
    return tmp_path / "work"


@pytest.mark.parametrize("change", [{"limit": 1}, {"longest_side": 32}, {"tests": ("first", "train")}], ids=str)
def test_a_changed_scoring_scores_anew_and_trains_nothing(scenes: Path, work: Path, change: dict[str, object]):
    trained, rows = times(work / "runs"), times(work / "rows")
    result = finished(tiny(scenes, **change), work)
    assert times(work / "runs") == trained
    assert rows.items() < times(work / "rows").items(), "a row beside the old one"
    assert list(result["tests"]) == list(change.get("tests", ("first", "second")))
    assert len(result["tests"]["first"]["f1"]) == change.get("limit", 2)


def test_a_changed_training_trains_and_scores_anew(scenes: Path, work: Path):
    before = finished(tiny(scenes), work)
    after = finished(tiny(scenes, training={"scene_side": 48, "scene_batch": 2, "checkpoint_every": 1}), work)
    assert before["weights"] != after["weights"]
    assert len(list((work / "runs").iterdir())) == 4 and len(list((work / "rows").iterdir())) == 2


def test_a_changed_parent_trains_its_children_anew(scenes: Path, work: Path):
    recipe = tiny(scenes)
    longer = replace(recipe.rows["phase-1"].stages[0], steps=3)
    changed = {**recipe.rows, "phase-1": replace(recipe.rows["phase-1"], stages=(longer,))}
    assert finished(recipe, work)["weights"] != finished(replace(recipe, rows=changed), work)["weights"]


def test_other_pictures_under_the_same_name_train_anew_and_moved_ones_do_not(scenes: Path, work: Path, tmp_path: Path):
    before = finished(tiny(scenes), work)
    shutil.copytree(scenes, tmp_path / "moved")
    trained = times(work)
    assert finished(tiny(tmp_path / "moved"), work) == before and times(work) == trained

    inverted(tmp_path / "moved" / "train" / "images" / "scene-000001.jpg")
    after = finished(tiny(tmp_path / "moved"), work)
    assert after["weights"] != before["weights"]

    inverted(tmp_path / "moved" / "first" / "text" / "scene-000001.png")
    again = finished(tiny(tmp_path / "moved"), work)
    assert again["weights"] == after["weights"] and again["tests"]["first"] != after["tests"]["first"]


def test_one_seed_gives_the_same_bits_wherever_it_is_run(scenes: Path, work: Path, tmp_path: Path):
    again = finished(tiny(scenes), tmp_path / "again")
    before = finished(tiny(scenes), work)
    assert before["tests"] == again["tests"]
    weights = [(Path(result["weights"]) / "best.safetensors").read_bytes() for result in (before, again)]
    assert weights[0] == weights[1]
    other = finished(tiny(scenes), tmp_path / "again", seed=1)
    assert (Path(other["weights"]) / "best.safetensors").read_bytes() != weights[0]


def test_a_row_that_takes_its_parents_weights_has_a_result_for_each_seed(scenes: Path, tmp_path: Path):
    from reproduction.record import Machine
    from reproduction.segmentation import reproduce

    def run(**options: object):
        return reproduce("table4a", tiny(scenes), tmp_path, only=("alpha-text", "ours"), machine=Machine("cpu", 0),
                         seeds=(0, 1), **options)  # fmt: skip

    every = run()
    assert {key: [result["seed"] for result in found] for key, found in every.results.items()} == {
        "alpha-text": [0, 1],
        "ours": [0, 1],
    }
    assert {row["seeds"] for row in every.rows} == {2}
    assert len({result["weights"] for result in every.results["alpha-text"]}) == 2
    assert [result["steps"] for result in every.results["alpha-text"]] == [2, 2]
    chosen = run(seeded=("ours",)).results
    assert [len(chosen[key]) for key in ("alpha-text", "ours")] == [1, 2]


def test_networks_and_test_sets_are_loaded_once(scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from reproduction import data, figures, rows, segmentation
    from reproduction.record import Machine

    counts: Counter[str] = Counter()

    def counted(module, name: str, key) -> None:
        real = getattr(module, name)

        def call(*arguments, **options):
            counts[key(arguments)] += 1
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, call)

    counted(data, "open_masked", lambda arguments: arguments[0].rpartition("/")[2])
    counted(data, "WithText", lambda _: "text looked for")
    counted(rows, "load_segmenter", lambda arguments: arguments[0].parent.name.partition("-seed")[0])
    recipe = tiny(scenes)
    tests = {name: replace(recipe.datasets[name], with_text=True) for name in recipe.tests}
    recipe = replace(recipe, datasets={**recipe.datasets, **tests})
    only = ("alpha-table", "alpha-text", "ours")
    found = segmentation.reproduce("table4a", recipe, tmp_path, only=only, machine=Machine("cpu", 0))
    assert counts == {"train": 1, "first": 1, "second": 1, "text looked for": 2,
                      "alpha-table": 1, "phase-1": 1, "ours": 1}  # fmt: skip
    counts.clear()
    figures.draw_masks("fig8", recipe, found, tmp_path / "fig8.png")
    assert counts == {"alpha-table": 1, "ours": 1}, "once for all pictures"


def test_a_rendering_that_was_cut_off_is_made_whole(tmp_path: Path):
    from reproduction.data import checked, rendered, rendered_words

    for folder in ("scenes", "words"):
        (tmp_path / folder / "images").mkdir(parents=True)
    facts, missing = checked(
        {
            "scenes": rendered("scenes", tmp_path / "scenes", count=1, seed=0),
            "words": rendered_words("words", tmp_path / "words", count=2, seed=0),
        }
    )
    assert not missing and [fact["pictures"] for fact in facts.values()] == [1, 2]


def test_a_missing_dataset_is_named_with_its_place_and_how_it_is_checked(tmp_path: Path):
    from reproduction.data import checked
    from reproduction.recipes import recipe_of

    datasets = recipe_of("paper", tmp_path, tmp_path / "work", dry=True).datasets
    _, missing = checked({"total": datasets["total"]})
    assert missing["total"].startswith(
        "TotalText train is missing: Total-Text with pixel masks (github.com/cs-chan/Total-Text-Dataset) at "
        f"{tmp_path}/TotalText; it must have 1,255 pictures ("
    )

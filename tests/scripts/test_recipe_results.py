"""Every recipe says its command, machine, time and figures, and each figure stands in the CSV that its run left."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

RECIPES = Path(__file__).parents[2] / "scripts" / "recipes"
RECIPE = """\
# What it is.
#
# Command: segrec train segmenter --config x.toml
# Machine: one core
# Time: 5 minutes
# Reached: not recorded, for no reason
steps = 3
# Reached: a comment further down
"""
SEGMENTERS = {
    "results": [
        {"data": "words, hard", "target": "text", "images": 300, "f1": 0.76614, "pooled_iou": 0.5},
        {"data": "scenes", "target": "region", "images": 14, "f1": 0.5, "pooled_iou": 0.25},
    ]
}
READERS = {
    "results": [{"dataset": "IIIT5K", "mask": "predicted", "words": 3000, "accuracy": 0.6877, "seeds": 3}],
    "gains": [
        {
            **{"dataset": "IIIT5K", "model": "masked", "mask": "predicted", "over": "control", "n": 3000},
            **{"mean": 1.391, "low": 0.3, "high": 2.5, "seeds": 3},
        }
    ],
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with one recipe, and what was printed of its run beside it."""
    (tmp_path / "x.toml").write_text(RECIPE, "utf-8")
    (tmp_path / "masks.json").write_text(json.dumps(SEGMENTERS), "utf-8")
    (tmp_path / "words.json").write_text(json.dumps(READERS), "utf-8")
    return tmp_path


def write(folder: Path, *files: str, name: str = "x"):
    from recipe_results import main

    return CliRunner().invoke(main, [name, *(str(folder / file) for file in files), "--folder", str(folder)])


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.toml")), ids=lambda recipe: recipe.name)
def test_every_figure_of_the_recipes_that_ship_stands_in_its_csv(recipe):
    from recipe_results import RESULTS, complaints

    assert complaints(recipe, RESULTS / f"{recipe.stem}.csv") == []


def test_every_csv_is_that_of_a_recipe():
    from recipe_results import RESULTS

    assert {file.stem for file in RESULTS.glob("*")} <= {recipe.stem for recipe in RECIPES.glob("*.toml")}


def test_the_figures_of_a_run_go_to_its_csv_and_into_the_comment(folder):
    from recipe_results import complaints

    assert write(folder, "masks.json", "words.json").exit_code == 0
    rows = list(csv.DictReader((folder / "results" / "x.csv").open(encoding="utf-8")))
    assert rows[0] == {"set": "words, hard text", "metric": "F1 %", "value": "76.61", "n": "300", "seed": "0"}
    assert rows[-1]["metric"] == "points of masked predicted over control" and rows[-1]["value"] == "+1.39"
    text = (folder / "x.toml").read_text("utf-8")
    assert "# Reached: words, hard text, F1 %: 76.61 (n 300, seed 0)\n" in text
    assert "# Reached: IIIT5K, accuracy % with mask predicted: 68.77 (n 3000, seeds 0-2)\n" in text
    assert "not recorded" not in text and text.endswith("steps = 3\n# Reached: a comment further down\n")
    assert complaints(folder / "x.toml", folder / "results" / "x.csv") == []
    assert write(folder, "masks.json", "words.json").exit_code == 0
    assert (folder / "x.toml").read_text("utf-8") == text


@pytest.mark.parametrize(
    ("before", "after"), [("76.61", "77.61"), ("n 300", "n 400"), ("seed 0", "seed 1"), ("F1 %", "recall %")]
)
def test_a_figure_that_the_csv_does_not_hold_is_found(folder, before, after):
    from recipe_results import complaints

    write(folder, "masks.json")
    recipe = folder / "x.toml"
    recipe.write_text(recipe.read_text("utf-8").replace(before, after, 1), "utf-8")
    (found,) = complaints(recipe, folder / "results" / "x.csv")
    assert found.startswith("x.csv does not hold 'words, hard text, ") and after in found


def test_a_figure_without_a_csv_and_a_missing_field_are_found(folder):
    from recipe_results import complaints

    recipe = folder / "x.toml"
    assert complaints(recipe, folder / "x.csv") == []
    recipe.write_text(
        RECIPE.replace("not recorded, for no reason", "F1 99").replace("# Time: 5 minutes\n", ""), "utf-8"
    )
    assert complaints(recipe, folder / "x.csv") == [
        "x.toml lacks the line # Time: ...",
        "x.csv does not hold 'F1 99'",
    ]
    recipe.write_text(RECIPE, "utf-8")
    (folder / "x.csv").write_text("set,metric,value,n,seed\n", "utf-8")
    assert complaints(recipe, folder / "x.csv") == ["x.csv does not hold 'not recorded, for no reason'"]


def test_a_recipe_that_is_not_there_or_has_no_place_for_figures_is_refused(folder):
    outcome = write(folder, "masks.json", name="y")
    assert outcome.exit_code == 1 and "there is no recipe" in outcome.output
    (folder / "x.toml").write_text("steps = 3\n", "utf-8")
    outcome = write(folder, "masks.json")
    assert outcome.exit_code == 1 and "no line # Reached: ...; add one" in outcome.output
    assert not (folder / "results").exists()

"""Promises of the stages of a segmenter's training and of the recipes that ship."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from segmenter.training import LossWeights
from segrec.core.errors import ConfigError
from segrec.jobs.segmenter_stages import Stage, stage_of, two_stages

RECIPES = sorted((Path(__file__).parents[2] / "scripts" / "recipes").glob("*.toml"))


def test_a_table_becomes_a_stage():
    stage = stage_of({"name": "1a", "steps": 10, "lr": 1, "decay-share": 0.5, "scenes": ["mlt=x"], "lambda1": 0})
    assert stage == Stage("1a", 10, 1.0, decay_share=0.5, scenes=("mlt=x",), lambda1=0.0)
    assert stage.weights("gated") == LossWeights(0.0, 0.1, 0.0, "gated")
    assert stage.rate().rate(9) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lamda1": 3}, "a stage has no key 'lamda1'; did you mean lambda1?"),
        ({"zzz": 3}, "a stage has no key 'zzz'; the keys are name, steps, lr, "),
        ({"steps": 1.5}, "a stage's steps must be a whole number, got 1.5"),
        ({"steps": True}, "a stage's steps must be a whole number, got True"),
        ({"lr": "fast"}, "a stage's lr must be a number, got 'fast'"),
        ({"name": 1}, "a stage's name must be a text, got 1"),
        ({"words": "a"}, "a stage's words must be a list of texts, got 'a'"),
        ({"phases": 3}, "stage 1a: phases must be 1 or 2, got 3"),
        ({"lambda2": -1}, "stage 1a: lambda1, lambda2, outside and cross-entropy must not be negative"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"lr": 0}, "the learning rate must be positive and finite, got 0"),
        ({"steps": float("inf")}, "a stage's steps must be a whole number, got inf"),
        ({"steps": float("nan")}, "a stage's steps must be a whole number, got nan"),
        ({"lambda1": float("nan")}, "a stage's lambda1 must be a number, got nan"),
        ({"warmup": -1}, "expected a warmup of 0 or more steps and a decay-share in [0, 1], got -1 and 0.0"),
        ({"decay-share": 1.5}, "expected a warmup of 0 or more steps and a decay-share in [0, 1], got 0 and 1.5"),
    ],
)
def test_a_wrong_table_is_refused_in_words(change, said):
    with pytest.raises(ConfigError) as error:
        stage_of({"name": "1a", "steps": 10, "lr": 1e-3, **change})
    assert said in str(error.value)


def test_what_a_stage_needs_is_named():
    with pytest.raises(ConfigError, match="stage '1a' needs steps and lr"):
        stage_of({"name": "1a"})


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_weights_that_no_loss_bears_are_refused_in_the_plain_plan(wrong):
    with pytest.raises(ConfigError, match="outside and cross-entropy must not be negative, nor infinite"):
        two_stages(10, 0.5, 1e-3, LossWeights(wrong, 0.2, 0.5))


@pytest.mark.parametrize(("share", "lengths"), [(0.6, [6, 4]), (0.0, [10]), (1.0, [10])])
def test_the_plain_plan_has_the_asked_steps(share, lengths):
    stages = two_stages(10, share, 1e-3, LossWeights(3.0, 0.2, 0.5))
    assert [stage.steps for stage in stages] == lengths
    for stage in stages:
        guided = stage.phases == 2
        assert (stage.lambda1, stage.lambda2, stage.outside) == ((3.0, 0.2, 0.5) if guided else (0, 0, 0.5))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_that_ship_are_understood(recipe):
    stages = [stage_of(table) for table in tomllib.loads(recipe.read_text(encoding="utf-8"))["stage"]]
    assert stages and sum(stage.steps for stage in stages) > 1000


def test_the_papers_recipe_says_what_the_paper_says():
    recipe = next(path for path in RECIPES if path.stem == "mgnet-paper")
    content = tomllib.loads(recipe.read_text(encoding="utf-8"))
    first, second, third = (stage_of(table) for table in content["stage"])
    assert (content["preset"], content["scene-side"], content["supervision"]) == ("mgnet", 512, "draw")
    assert (first.lr, second.lr, third.lr) == (1e-4, 1e-4, 1e-5)
    assert (first.phases, second.phases, third.phases) == (1, 1, 2)
    assert (third.lambda1, third.lambda2) == (10, 0.1) and first.lambda1 == second.lambda2 == 0
    assert set(second.scenes) == set(third.scenes) and not set(first.scenes) & set(second.scenes)

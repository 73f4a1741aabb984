"""Weights with which a training begins fit the network that its options make, or the option to change is named."""

from __future__ import annotations

import pytest

from segmenter.loading import save_segmenter
from segmenter.models import fresh_model
from segrec.core.errors import ConfigError
from segrec.jobs.segmenter_settings import SegmenterTraining
from segrec.jobs.segmenter_start import initial_network


def settings(file, **options) -> SegmenterTraining:
    return SegmenterTraining(words=["/words"], output="/run", pretrained=str(file), **options)


@pytest.mark.parametrize(
    ("given", "asked", "remedy"),
    [
        ({"name": "unet", "width": 1}, {"model": "segnet", "width": 1}, "give --model unet"),
        ({"name": "unet", "width": 1}, {"model": "unet", "width": 2}, "give --width 1"),
        (
            {"name": "unet", "width": 1, "polygon_branch": True},
            {"model": "unet", "width": 1},
            "give --polygon-branch",
        ),
        (
            {"name": "unet", "width": 1},
            {"model": "unet", "width": 1, "polygon_branch": True},
            "leave out --polygon-branch",
        ),
        ({"name": "mgnet", "preset": "mgnet-slim", "width": 2}, {"width": 1}, "give --width 2"),
        (
            {"name": "mgnet", "preset": "mgnet-slim-plain", "width": 2},
            {"width": 2},
            "give the --preset of its training",
        ),
    ],
)
def test_weights_of_another_network_are_refused_with_the_option_that_makes_it(tmp_path, given, asked, remedy):
    file = tmp_path / "given.safetensors"
    save_segmenter(file, fresh_model(**given))
    with pytest.raises(ConfigError) as refusal:
        initial_network(settings(file, **asked))
    made = asked.get("model", "mgnet-slim")
    assert str(refusal.value) == f"{file} is not a {made} as the other options make it; {remedy}"


def test_weights_that_learn_nothing_are_no_beginning():
    with pytest.raises(ConfigError, match="name weights of a network that learns"):
        initial_network(settings("mser-swt"))


def test_fitting_weights_are_taken_over(tmp_path):
    given = fresh_model("unet", width=1, working_height=16)
    save_segmenter(tmp_path / "given.safetensors", given)
    network = initial_network(settings(tmp_path / "given.safetensors", model="unet", width=1))
    assert network.working_height == 32 and network.head.weight.equal(given.head.weight)


def test_a_narrower_network_is_enlarged(tmp_path):
    given = fresh_model("mgnet", preset="mgnet-slim", width=2)
    save_segmenter(tmp_path / "given.safetensors", given)
    network = initial_network(settings(tmp_path / "given.safetensors", width=3))
    assert network.config() == {**given.config(), "width": 3}
    kept = network.encoder.blocks[0][0].weight[:2]
    assert kept.equal(given.encoder.blocks[0][0].weight)


@pytest.mark.parametrize("name", ["mgnet", "unet"])
def test_the_width_of_the_beginning_is_taken_unless_another_is_asked_for(tmp_path, name):
    given = fresh_model(name, width=1)
    save_segmenter(tmp_path / "given.safetensors", given)
    assert initial_network(settings(tmp_path / "given.safetensors", model=name)).config() == given.config() | {
        "working_height": 32
    }

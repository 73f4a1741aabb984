"""Inputs of other projects: their normalisation, and images that keep their ratio."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recognizers import CRNN, InputSpec
from recognizers.preprocess import normalise, prepare
from segrec.core.errors import ConfigError

RATIO = InputSpec(keep_ratio=True)


@pytest.mark.parametrize(
    ("image_size", "width"),
    [
        ((20, 50), 80),
        ((10, 100), 320),
        ((32, 41), 48),  # 41 is nearer to 48 than to 32
        ((32, 39), 32),
        ((64, 10), 32),  # the narrowest
        ((1, 9000), 2048),  # the widest
    ],
)
def test_an_image_that_keeps_its_ratio_gets_a_width_of_whole_steps(image_size, width):
    assert RATIO.size_for(image_size) == (32, width)
    assert prepare(np.zeros((*image_size, 3), np.uint8), None, RATIO).shape == (1, 32, width)
    assert RATIO.stretched().size_for(image_size) == (32, 100)


def test_a_mask_gets_the_width_of_its_image():
    spec = InputSpec(color="rgb", mask=True, keep_ratio=True)
    prepared = prepare(np.zeros((16, 64, 3), np.uint8), np.full((5, 5), 9, np.uint8), spec)
    assert prepared.shape == (4, 32, 128) and (prepared[3] == 9).all()


def test_mean_and_deviation_move_the_colours_and_leave_the_mask():
    spec = InputSpec(color="rgb", mask=True, mean=127, deviation=254)
    batch = torch.tensor([127, 0, 254, 51], dtype=torch.uint8).reshape(1, 4, 1, 1)
    assert normalise(batch, spec).flatten().tolist() == pytest.approx([0.0, -0.5, 0.5, 0.2])


@pytest.mark.parametrize("options", [{"mean": -1}, {"mean": 256}, {"deviation": 0}, {"deviation": float("inf")}])
def test_impossible_normalisations_are_refused(options):
    with pytest.raises(ConfigError, match=r"input mean must be 0\.\.255 and input deviation above 0"):
        InputSpec(**options)


def test_weights_written_before_these_settings_still_have_the_usual_ones():
    config = CRNN(widths=(1,) * 7, hidden=1).config()
    config["input"] = {"height": 32, "width": 100, "color": "grey", "mask": False, "interpolation": "bilinear"}
    assert CRNN.from_config(config).input_spec == InputSpec()

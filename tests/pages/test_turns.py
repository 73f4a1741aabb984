"""Crops are turned, and what was found in them is turned back."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segrec.core.errors import ConfigError
from segrec.pages.turns import check_turns, turn, turn_mask_back, turn_points_back, turns_of

IMAGE = np.random.default_rng(0).integers(0, 256, (20, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90, 450])
def test_quarter_turns_lose_nothing(degrees):
    turned = turn(IMAGE, degrees)
    assert np.array_equal(turned.image, np.rot90(IMAGE, degrees // 90))
    mask = turned.image[:, :, 0].astype(np.float32)
    assert np.allclose(turn_mask_back(mask, turned.matrix, (20, 8)), IMAGE[:, :, 0], atol=1e-3)


@pytest.mark.parametrize("degrees", [0, 90, 180, -90, 15, -40])
def test_points_and_masks_of_a_turned_crop_come_back_to_their_places(degrees):
    image = np.zeros((60, 80, 3), np.uint8)
    image[20:30, 50:64] = 255
    turned = turn(image, degrees)
    bright = turned.image[:, :, 0] >= 128
    rows, columns = np.nonzero(bright)
    middle = turn_points_back(np.array([columns.mean() + 0.5, rows.mean() + 0.5]), turned.matrix)
    assert np.abs(middle - (57, 25)).max() < 0.5
    back = turn_mask_back(bright.astype(np.float32), turned.matrix, (60, 80))
    assert np.abs(back - image[:, :, 0] / 255).mean() < 0.01


@pytest.mark.parametrize("degrees", [15, -15, 30])
def test_a_tilted_word_is_cut_out_of_the_box_around_it(degrees):
    word = np.repeat(np.tile(np.linspace(0, 255, 130).astype(np.uint8), (24, 1))[:, :, None], 3, axis=2)
    box = np.asarray(Image.fromarray(word).rotate(degrees, expand=True, resample=Image.Resampling.BICUBIC))
    level = turn(box, -degrees).image
    assert np.abs(np.array(level.shape[:2]) - (24, 130)).max() <= 2
    middle = level[level.shape[0] // 2, 4:-4, 0].astype(int)
    assert (np.diff(middle) >= -1).all() and middle[0] < 20 and middle[-1] > 235


def test_a_level_word_is_kept_whole_when_it_is_tried_tilted():
    word = np.full((24, 130, 3), 200, np.uint8)
    height, width = turn(word, 15).image.shape[:2]
    assert height >= 24 + 130 * 0.25 and width >= 130


def test_only_tall_crops_are_turned_without_being_told():
    assert turns_of((20, 8), "auto") == (0.0, 90.0, -90.0)
    assert turns_of((20, 20), "auto") == turns_of((20, 8), None) == (0.0,)
    assert turns_of((8, 20), (0, 10)) == (0.0, 10.0)


@pytest.mark.parametrize("turns", ["always", (), [0, "90"], (float("nan"),)])
def test_turns_that_are_none_are_refused(turns):
    with pytest.raises(ConfigError, match="turns must be 'auto', None or degrees"):
        check_turns(turns)

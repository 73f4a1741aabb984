"""Pictures of any depth as 8 bits per channel."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.bit_depth import eight_bits, lay_on_white
from segrec.core.errors import DataError


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.uint32])
def test_white_is_the_top_of_the_smallest_depth_that_the_values_fit(bits: int, kind: type):
    top = 2**bits - 1
    assert eight_bits(np.array([0, top // 2, top], kind)).tolist() == [0, 127, 255]
    nearly = np.array([2 ** (bits - 1), 0], kind)
    assert eight_bits(nearly).tolist() == [128, 0], "a picture that is not quite white keeps its grey"


def test_values_of_eight_bits_are_kept_in_any_type():
    values = np.arange(256)
    for kind in (np.uint8, np.uint16, np.int32, np.float32, np.float64):
        result = eight_bits(values.astype(kind))
        assert result.dtype == np.uint8 and np.array_equal(result, values)


def test_wider_values_have_their_highest_as_white_and_negative_ones_are_black():
    assert eight_bits(np.array([[-5, 0, 100_000, 200_000]])).tolist() == [[0, 0, 128, 255]]


def test_floats_up_to_one_are_shares_of_white():
    assert eight_bits(np.array([0.0, 0.2, 1.0])).tolist() == [0, 51, 255]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(bad: float):
    with pytest.raises(DataError, match="not finite numbers"):
        eight_bits(np.array([0.5, bad]))


def test_no_value_gives_no_value():
    assert eight_bits(np.empty((0, 3), np.uint16)).shape == (0, 3)


def test_transparency_shows_white_in_every_row():
    picture = np.zeros((600, 2, 4), np.uint8)
    picture[:, :, 3] = (np.arange(600) % 256)[:, None]
    result = lay_on_white(picture)
    assert result.shape == (600, 2, 3)
    assert np.array_equal(result[:, 0, 0], 255 - np.arange(600) % 256)

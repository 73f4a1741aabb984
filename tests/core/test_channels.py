"""Arithmetic on channels gives the bits of the plain formula."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.channels import all_levels, in_channels, in_color, mapped, mean_color


@pytest.fixture(params=[(1, 1), (7, 13), (40, 91)])
def picture(request) -> np.ndarray:
    return np.random.default_rng(sum(request.param)).integers(0, 256, (*request.param, 3), dtype=np.uint8)


def test_values_are_repeated_in_each_channel(picture):
    for values in (picture[:, :, 0].copy(), picture[:, :, 0] / np.float32(3)):
        repeated = in_channels(values)
        assert repeated.dtype == values.dtype
        assert np.array_equal(repeated, np.repeat(values[:, :, None], 3, axis=2))


def test_values_times_a_colour_are_those_of_broadcasting(picture):
    values = picture[:, :, 0] / np.float32(7)
    for color in (np.array([0.3, 1.7, 211], np.float32), np.array([0.3, 1.7, 211])):
        product = in_color(values, color)
        assert product.dtype == color.dtype and np.array_equal(product, values[:, :, None] * color)


def test_the_mean_colour_has_the_bits_of_numpys_mean(picture):
    for levels in (picture, picture.astype(np.float32), picture / np.float32(3)):
        mean = mean_color(levels)
        assert mean.dtype == levels.mean(axis=(0, 1)).dtype
        assert np.array_equal(mean, levels.mean(axis=(0, 1)))


def test_a_mean_whose_sum_float32_cannot_hold_has_numpys_rounding():
    picture = np.full((300, 300, 3), 255, np.float32)
    picture[::2, ::3] = 77
    assert not np.array_equal(mean_color(picture), picture.astype(np.uint8).mean(axis=(0, 1)).astype(np.float32))
    assert np.array_equal(mean_color(picture), picture.mean(axis=(0, 1)))


def test_mapping_the_levels_is_the_same_as_computing_each_pixel(picture):
    def toned(levels: np.ndarray) -> np.ndarray:
        return np.clip(levels * np.array([0.4, 1.0, 1.9]) + np.array([30, -20, 5]), 0, 255).astype(np.uint8)

    assert np.array_equal(mapped(picture, toned(all_levels())), toned(picture))

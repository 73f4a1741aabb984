"""Random changes to a recognizer's input."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.data.augment import augment_word


def square(channels: int) -> np.ndarray:
    """Return an input with the same bright square in every channel."""
    prepared = np.full((channels, 32, 100), 30, np.uint8)
    prepared[:, 10:22, 40:70] = 220
    return prepared


def middle(plane: np.ndarray) -> np.ndarray:
    """Return the centre of what stands out from the plane's corner, (row, column)."""
    weight = np.abs(plane.astype(float) - np.median(plane))
    weight[weight < weight.max() / 2] = 0
    return (
        np.array([(weight.sum(axis=1 - axis) * np.arange(plane.shape[axis])).sum() for axis in (0, 1)]) / weight.sum()
    )


def test_the_mask_moves_with_the_image():
    moved = 0
    for seed in range(60):
        changed = augment_word(square(4), np.random.default_rng(seed), color_channels=3)
        assert np.abs(middle(changed[0]) - middle(changed[3])).max() < 0.6
        assert abs(np.corrcoef(changed[1].ravel(), changed[3].ravel())[0, 1]) > 0.9
        moved += bool(np.abs(middle(changed[3]) - middle(square(1)[0])).max() > 0.5)
    assert 20 < moved < 60


def test_tone_and_noise_leave_the_mask_alone():
    mask_levels = set()
    for seed in range(60):
        prepared = square(4)
        prepared[3] = 255
        changed = augment_word(prepared, np.random.default_rng(seed), color_channels=3)
        mask_levels |= set(np.unique(changed[3]).tolist())
    assert mask_levels == {255}


@pytest.mark.parametrize(("channels", "color_channels"), [(1, 1), (3, 3), (4, 3)])
def test_shape_and_type_stay_and_the_input_is_not_changed(channels, color_channels):
    prepared = square(channels)
    before = prepared.copy()
    outputs = [augment_word(prepared, np.random.default_rng(seed), color_channels=color_channels) for seed in range(30)]
    assert {(output.shape, output.dtype.name) for output in outputs} == {(before.shape, "uint8")}
    assert np.array_equal(prepared, before)
    assert 1 < sum(not np.array_equal(output, before) for output in outputs) < 30


def test_a_generators_state_decides():
    first, second = (augment_word(square(4), np.random.default_rng(7), color_channels=3) for _ in range(2))
    assert np.array_equal(first, second)
    assert len({augment_word(square(3), np.random.default_rng(s), color_channels=3).tobytes() for s in range(40)}) > 30


def test_the_word_stays_in_the_picture():
    for seed in range(60):
        changed = augment_word(square(1), np.random.default_rng(seed), color_channels=1)
        row, column = middle(changed[0])
        assert abs(row - 15.5) < 6 and abs(column - 54.5) < 10

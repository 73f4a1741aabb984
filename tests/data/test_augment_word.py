"""Random changes to a recognizer's input."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.data.augment import _bent_grid, _moved, _noisy, _quadrilateral, augment_word


def square(channels: int, size: tuple[int, int] = (32, 100)) -> np.ndarray:
    """Return an input with the same bright square in every channel."""
    height, width = size
    prepared = np.full((channels, height, width), 30, np.uint8)
    prepared[:, height * 10 // 32 : height * 22 // 32, width * 40 // 100 : width * 70 // 100] = 220
    return prepared


def middle(plane: np.ndarray) -> np.ndarray:
    """Return the centre of what stands out from the plane's corner, (row, column)."""
    weight = np.abs(plane.astype(float) - np.median(plane))
    weight[weight < weight.max() / 2] = 0
    return (
        np.array([(weight.sum(axis=1 - axis) * np.arange(plane.shape[axis])).sum() for axis in (0, 1)]) / weight.sum()
    )


def random_mask(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


def generators(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(count)]


def test_the_mask_moves_with_the_image():
    moved = 0
    for rng in generators(60):
        changed = augment_word(square(4), rng, color_channels=3)
        assert np.abs(middle(changed[0]) - middle(changed[3])).max() < 1
        assert abs(np.corrcoef(changed[1].ravel(), changed[3].ravel())[0, 1]) > 0.85
        moved += bool(np.abs(middle(changed[3]) - middle(square(1)[0])).max() > 0.5)
    assert 20 < moved < 60


@pytest.mark.parametrize("size", [(32, 100), (64, 256), (31, 77)])
def test_a_picture_that_equals_its_mask_still_does_after_it_was_moved(size):
    mask = random_mask(size)
    for rng in generators(40):
        moved = _moved(np.stack([mask] * 4, axis=-1), rng).astype(int)
        assert np.abs(moved - moved[..., 3:]).max() <= 1
        assert (moved[..., 3] != mask).mean() > 0.5


def test_nothing_but_movement_touches_the_mask():
    dark, bright = (np.full((4, 32, 100), level, np.uint8) for level in (40, 180))
    bright[0] = random_mask((32, 100), seed=1)
    dark[3] = bright[3] = random_mask((32, 100))
    still = 0
    for first, second in zip(generators(60), generators(60), strict=True):
        changed, other = (augment_word(word, rng, color_channels=3) for word, rng in ((dark, first), (bright, second)))
        assert np.array_equal(changed[3], other[3])
        still += np.array_equal(changed[3], dark[3]) and not np.array_equal(changed[:3], dark[:3])
    assert still > 3, "words that are not moved keep their mask, whatever befalls their colours"


def test_a_mask_without_text_and_one_full_of_it_stay_so():
    for level in (0, 255):
        prepared = square(4)
        prepared[3] = level
        assert {int(v) for rng in generators(40) for v in augment_word(prepared, rng, color_channels=3)[3].flat} == {
            level
        }


def test_movements_are_relative_to_the_size():
    for first, second in zip(generators(60), generators(60), strict=True):
        small = middle(augment_word(square(4), first, color_channels=3)[3])
        large = middle(augment_word(square(4, (64, 256)), second, color_channels=3)[3])
        assert np.abs((small + 0.5) / (32, 100) - (large + 0.5) / (64, 256)).max() < 0.025


@pytest.mark.parametrize(("channels", "color_channels"), [(1, 1), (3, 3), (4, 3)])
def test_shape_and_type_stay_and_the_input_is_not_changed(channels, color_channels):
    prepared = square(channels)
    before = prepared.copy()
    outputs = [augment_word(prepared, rng, color_channels=color_channels) for rng in generators(160)]
    assert {(output.shape, output.dtype.name) for output in outputs} == {(before.shape, "uint8")}
    assert np.array_equal(prepared, before)
    assert 100 < sum(not np.array_equal(output, before) for output in outputs) < 160
    assert all(output.flags.c_contiguous and not np.shares_memory(output, prepared) for output in outputs)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 3), (33, 101)])
def test_odd_sizes_are_no_exception(size):
    for channels, color_channels in ((1, 1), (3, 3), (4, 3)):
        prepared = np.full((channels, *size), 90, np.uint8)
        assert {augment_word(prepared, rng, color_channels=color_channels).shape for rng in generators(40)} == {
            (channels, *size)
        }


def test_a_generators_state_decides():
    first, second = (augment_word(square(4), np.random.default_rng((7, 2, 1)), color_channels=3) for _ in range(2))
    assert np.array_equal(first, second)
    assert len({augment_word(square(3), rng, color_channels=3).tobytes() for rng in generators(40)}) > 30


def test_the_word_stays_in_the_picture():
    for rng in generators(60):
        changed = augment_word(square(1), rng, color_channels=1)
        row, column = middle(changed[0])
        assert abs(row - 15.5) < 6 and abs(column - 54.5) < 10


def test_no_corner_of_the_word_leaves_the_picture_by_more_than_a_tenth_and_the_shift():
    corners = np.array([[-1.5, -0.5], [1.5, -0.5], [1.5, 0.5], [-1.5, 0.5]])
    moved = np.stack([_quadrilateral(corners, rng) for rng in generators(300)])
    assert np.abs(moved[..., 0]).max() <= 1.5 * 1.1 + 0.09
    assert np.abs(moved[..., 1]).max() <= 0.5 * 1.1 + 0.06
    turns = np.degrees(np.arctan2(*(moved[:, 1] - moved[:, 0]).T[::-1]))
    assert turns.min() < -8 and turns.max() > 8, "some words are turned a lot"
    flat = np.abs(moved[:, 0] - moved[:, 1] + moved[:, 2] - moved[:, 3]).max(axis=1) < 1e-9
    assert 0.55 < flat.mean() < 0.8, "parallelograms stay where there is no perspective"


def test_a_bend_lowers_the_middle_against_the_ends_by_its_share_of_the_height():
    columns, rows = _bent_grid(np.eye(3), 0.2, 32, 101)
    assert np.allclose(columns, np.arange(101), atol=1e-3)
    assert np.allclose(rows[16, 50], 15.5 + 0.5 * 1.2 - 0.5 * 0.2 * 32, atol=1e-3)
    assert np.allclose(rows[:, 0] - rows[:, 50], 0.2 * 32 * (100 / 101) ** 2, atol=1e-3)
    assert np.allclose(rows[1] - rows[0], 1.2, atol=1e-3)
    assert rows[31].min() + 0.5 * 1.2 == pytest.approx(31.5, abs=1e-3), "the lower edge is still shown"


def test_noise_has_the_mean_and_the_spread_of_a_normal_distribution():
    noisy = _noisy(np.full((200, 200, 3), 128, np.uint8), np.random.default_rng(0)).astype(float) - 128
    sigma = np.random.default_rng(0).uniform(2, 14)
    assert abs(noisy.mean()) < 0.1 and noisy.std() == pytest.approx(sigma, rel=0.02)


def test_colours_change_of_their_own_and_stay_grey_with_one_channel():
    grey = square(3)
    tinted = [np.ptp(augment_word(grey, rng, color_channels=3)[:, 16, 50].astype(int)) > 12 for rng in generators(40)]
    assert 4 < sum(tinted) < 36

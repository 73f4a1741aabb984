"""Promises of the predictor: any size, any neighbours, no surprises."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segmenter.network import MutuallyGuidedNet
from segmenter.predictor import Segmenter
from segmenter.preprocess import as_rgb, from_network, to_network, working_size
from segrec.core.errors import ConfigError


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    """A network without training whose outputs vary over the image, at height 32 so that tests are quick."""
    torch.manual_seed(4)
    model = MutuallyGuidedNet(width=4, skips=True, working_height=32)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_var.fill_(0.1)
    return Segmenter(model, scene_height=128, longest_side=320)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


SIZES = [(1, 1), (1, 300), (300, 1), (7, 5), (31, 100), (32, 96), (33, 97), (64, 200), (20, 61), (140, 90), (500, 700)]


def test_every_size_gives_masks_of_its_own_size_in_range_and_order(segmenter: Segmenter):
    images = [picture(*size, seed) for seed, size in enumerate(SIZES)]
    masks = segmenter.predict(images, batch_size=3)
    assert [mask.text.shape for mask in masks] == SIZES and [mask.region.shape for mask in masks] == SIZES
    for mask in masks:
        for one in mask:
            assert one.dtype == np.float32 and one.min() >= 0 and one.max() <= 1 and np.isfinite(one).all()
    assert np.ptp(masks[7].text) > 0.01, "a constant output would prove nothing about order and batches"


def test_a_prediction_does_not_depend_on_the_batch(segmenter: Segmenter):
    images = [picture(*size, seed) for seed, size in enumerate(SIZES * 2)]
    together = segmenter.predict(images, batch_size=16)
    backwards = segmenter.predict(images[::-1], batch_size=2)[::-1]
    for image, first, second in zip(images, together, backwards, strict=True):
        alone = segmenter.predict([image])[0]
        for a, b, c in zip(alone, first, second, strict=True):
            assert np.abs(a - b).max() <= 1e-4 and np.abs(a - c).max() <= 1e-4


def test_text_alone_equals_the_text_of_both(segmenter: Segmenter):
    images = [picture(*size, seed) for seed, size in enumerate(SIZES)]
    for text, masks in zip(segmenter.predict_text(images), segmenter.predict(images), strict=True):
        np.testing.assert_allclose(text, masks.text, atol=1e-5)


def test_no_pictures_give_no_masks(segmenter: Segmenter):
    assert segmenter.predict([]) == [] and segmenter.predict_text([]) == []


def test_grey_rgb_and_rgba_of_one_picture_agree(segmenter: Segmenter):
    grey = picture(40, 90)[:, :, 0]
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    opaque = np.dstack([rgb, np.full_like(grey, 255)])
    first, *others = segmenter.predict_text([rgb, grey, grey[:, :, None], opaque])
    for other in others:
        np.testing.assert_allclose(first, other, atol=1e-4)


def test_transparent_pixels_are_white():
    clear = np.zeros((2, 2, 4), np.uint8)
    clear[0] = (10, 20, 30, 255)
    assert as_rgb(clear, 0).tolist() == [[[10, 20, 30]] * 2, [[255, 255, 255]] * 2]


@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_give_no_nan(segmenter: Segmenter, value: int):
    for size in ((1, 1), (32, 100), (200, 300)):
        for one in segmenter.predict([np.full((*size, 3), value, np.uint8)])[0]:
            assert np.isfinite(one).all()


def test_read_only_and_strided_pictures_are_accepted_and_unchanged(segmenter: Segmenter):
    image = picture(64, 200)
    image.flags.writeable = False
    view = image[::2, ::-2]
    np.testing.assert_allclose(segmenter.predict_text([view])[0], segmenter.predict_text([view.copy()])[0], atol=1e-5)


def test_errors_say_what_came_and_what_to_do(segmenter: Segmenter):
    good = picture(8, 8)
    expected = r"image 1 must be a uint8 array \(H, W\), \(H, W, 3\) or \(H, W, 4\) of at least 1x1 pixels, got "
    for bad, got in (
        (good.astype(np.float32), r"float32 \(8, 8, 3\)"),
        (good[:, :, :2], r"uint8 \(8, 8, 2\)"),
        (good[:0], r"uint8 \(0, 8, 3\)"),
        ("word.png", "str"),
    ):
        with pytest.raises(ValueError, match=expected + got):
            segmenter.predict([good, bad])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"images must be a list of pictures, got one array \(8, 8, 3\); wrap it"):
        segmenter.predict(good)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        segmenter.predict([good], batch_size=0)
    model = MutuallyGuidedNet(width=2)
    with pytest.raises(ValueError, match="working_height and longest_side must be at least 1, got 0 and 960"):
        Segmenter(model, working_height=0)
    with pytest.raises(ConfigError, match="fp16 needs a GPU"):
        Segmenter(model, amp="fp16")


def test_working_sizes_by_hand():
    assert working_size((32, 100), height=64) == (64, 200)
    assert working_size((256, 100), height=64) == (64, 25)
    assert working_size((1, 5000), height=64) == (1, 960)
    assert working_size((480, 640), height=64) == (480, 640)
    assert working_size((480, 640), height=64, scene_height=None) == (64, 85)
    assert working_size((3000, 1500), height=64) == (960, 480)


def test_padding_repeats_the_edge_and_is_taken_away_again():
    image = picture(30, 45)
    padded = to_network(image, (30, 45))
    assert (
        padded.shape == (32, 48, 3)
        and (padded[30:, :45] == image[29]).all()
        and (padded[:30, 45:] == image[:, 44:]).all()
    )
    maps = padded[:, :, 0].astype(np.float32)
    assert np.array_equal(from_network(maps, (30, 45), (30, 45)), image[:, :, 0].astype(np.float32))


def test_bfloat16_masks_stay_near_the_full_ones(segmenter: Segmenter):
    half = Segmenter(segmenter.model, amp="bf16", scene_height=128, longest_side=320)
    image = picture(32, 96)
    difference = np.abs(half.predict_text([image])[0] - segmenter.predict_text([image])[0])
    assert 0 < difference.mean() < 0.01

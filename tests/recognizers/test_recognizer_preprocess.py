from __future__ import annotations

import numpy as np
import pytest
import torch

from recognizers import InputSpec
from recognizers.preprocess import normalise, prepare
from segrec.core.errors import ConfigError

RGB_MASK = InputSpec(color="rgb", mask=True)


def test_grey_is_the_luma_of_each_colour():
    image = np.zeros((32, 100, 3), np.uint8)
    image[:, :50] = (255, 0, 0)
    image[:, 50:] = (0, 255, 0)
    grey = prepare(image, None, InputSpec())
    assert grey.shape == (1, 32, 100) and grey.dtype == np.uint8
    assert set(grey[0, :, :50].ravel()) == {76} and set(grey[0, :, 50:].ravel()) == {150}  # round(.299 * 255), .587


def test_rgb_and_mask_keep_their_order_and_values():
    image = np.empty((32, 100, 3), np.uint8)
    image[:] = (10, 20, 30)
    mask = np.full((32, 100), 200, np.uint8)
    prepared = prepare(image, mask, RGB_MASK)
    assert prepared[:, 5, 5].tolist() == [10, 20, 30, 200]


@pytest.mark.parametrize("size", [(1, 1), (7, 301), (64, 3)])
def test_any_size_becomes_the_input_size_and_the_mask_may_have_another(size):
    image = np.full((*size, 3), 9, np.uint8)
    prepared = prepare(image, np.full((5, 4), 77, np.uint8), RGB_MASK)
    assert prepared.shape == (4, 32, 100)
    assert (prepared[:3] == 9).all() and (prepared[3] == 77).all()


def test_mask_and_image_are_resized_alike():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (20, 37), dtype=np.uint8)
    prepared = prepare(np.repeat(grey[:, :, None], 3, axis=2), grey, RGB_MASK)
    assert (prepared[3] == prepared[0]).all()


def test_masks_are_resized_alike_whatever_filter_the_images_take():
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 256, (20, 37, 3), dtype=np.uint8), rng.integers(0, 256, (48, 60), dtype=np.uint8)
    bilinear, bicubic = (
        prepare(image, mask, InputSpec(color="rgb", mask=True, interpolation=filter_name))
        for filter_name in ("bilinear", "bicubic")
    )
    assert (bilinear[3] == bicubic[3]).all() and (bilinear[:3] != bicubic[:3]).any()


def test_normalise_maps_colour_to_minus_one_to_one_and_the_mask_to_zero_to_one():
    batch = torch.tensor([0, 255, 51, 255], dtype=torch.uint8).reshape(1, 4, 1, 1)
    assert normalise(batch, RGB_MASK).flatten().tolist() == pytest.approx([-1.0, 1.0, -0.6, 1.0])
    assert normalise(batch[:, :1], InputSpec()).item() == -1.0
    assert batch.flatten().tolist() == [0, 255, 51, 255], "the caller's batch is left alone"


@pytest.mark.parametrize(
    ("image", "mask", "spec", "message"),
    [
        (np.zeros((4, 4), np.uint8), None, InputSpec(), r"image must be \(H, W, 3\) uint8 RGB, got \(4, 4\) uint8"),
        (np.zeros((4, 4, 3), np.float32), None, InputSpec(), "float32"),
        (np.zeros((0, 4, 3), np.uint8), None, InputSpec(), r"\(0, 4, 3\)"),
        (np.zeros((4, 4, 3), np.uint8), None, RGB_MASK, "give each image its"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), InputSpec(), "takes no mask"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), RGB_MASK, r"mask must be \(H, W\) uint8"),
    ],
)
def test_wrong_arrays_are_refused_in_words(image, mask, spec, message):
    with pytest.raises(ValueError, match=message):
        prepare(image, mask, spec)


def test_normalise_refuses_other_channels():
    with pytest.raises(ValueError, match=r"batch must be \(N, 1, H, W\) uint8, got \(1, 3, 2, 2\)"):
        normalise(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), InputSpec())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color": "bgr"}, "must be 'grey' or 'rgb'"),
        ({"mask": True}, "goes with color 'rgb'"),
        ({"interpolation": "lanczos"}, "interpolation must be"),
        ({"width": 0}, "width must be a whole number from 1 to 4096, got 0"),
    ],
)
def test_impossible_specs_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        InputSpec(**options)


def test_channels_follow_from_color_and_mask():
    assert [spec.channels for spec in (InputSpec(), InputSpec(color="rgb"), RGB_MASK)] == [1, 3, 4]

"""Promises of the predictor: any size, any neighbours, no surprises."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from segmenter.network import MutuallyGuidedNet, normalise_images
from segmenter.predictor import Masks, TorchSegmenter
from segmenter.preprocess import as_rgb, mask_size, padded, rescale, working_size
from segrec.core.errors import ConfigError


@pytest.fixture(scope="module")
def segmenter() -> TorchSegmenter:
    """A network without training whose outputs vary over the image, at height 32 so that tests are quick."""
    torch.manual_seed(4)
    model = MutuallyGuidedNet(width=4, skips=True, working_height=32)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_var.fill_(0.1)
    return TorchSegmenter(model, scene_height=96, tile_side=128)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


LINES = [(1, 700), (700, 1)]
CROPS = [(1, 1), (7, 5), (15, 17), (31, 100), (32, 96), (33, 97), (64, 200), (20, 61)]
SCENES = [(100, 90), (128, 128), (150, 230)]
"""The last one goes through the network in tiles, as the lines do."""
SIZES = [*CROPS, *LINES, *SCENES]


@pytest.fixture(scope="module")
def alone(segmenter: TorchSegmenter) -> list[Masks]:
    """Each picture's masks, predicted without any other."""
    return [segmenter.predict([picture(*size, seed)])[0] for seed, size in enumerate(SIZES)]


def test_every_size_gives_masks_of_its_own_size_in_range(alone: list[Masks]):
    assert [mask.text.shape for mask in alone] == SIZES and [mask.region.shape for mask in alone] == SIZES
    for masks in alone:
        for mask in masks:
            assert mask.dtype == np.float32 and mask.min() >= 0 and mask.max() <= 1 and np.isfinite(mask).all()
    assert np.ptp(alone[6].text) > 0.01, "a constant output would prove nothing about order and batches"


def test_detailed_masks_keep_the_networks_rows_and_give_the_others(segmenter: TorchSegmenter, alone: list[Masks]):
    sizes = [(7, 5), (31, 100), (64, 200), (1, 700), (150, 230)]
    pictures = [picture(*size, SIZES.index(size)) for size in sizes]
    detailed = segmenter.predict_detailed_text(pictures)
    assert [mask.shape for mask in detailed] == [(32, 23), (32, 103), *sizes[2:]]
    for size, mask in zip(sizes, detailed, strict=True):
        assert mask.dtype == np.float32 and mask.min() >= 0 and mask.max() <= 1
        np.testing.assert_allclose(rescale(mask, size), alone[SIZES.index(size)].text, rtol=0, atol=1e-4)


def test_a_mask_is_never_smaller_than_its_picture_on_either_side():
    for size in [(1, 1), (7, 5), (1, 700), (31, 1000), (32, 40), (64, 9), (33, 5000)]:
        kept = mask_size(size, working_size(size, height=32, scene_height=None))
        assert kept[0] >= size[0] and kept[1] >= size[1]


@pytest.mark.parametrize("batch_size", [1, 2, 5, 32])
def test_a_prediction_does_not_depend_on_the_batch(segmenter: TorchSegmenter, alone: list[Masks], batch_size: int):
    order = np.random.default_rng(batch_size).permutation(len(SIZES))
    together = segmenter.predict([picture(*SIZES[place], place) for place in order], batch_size=batch_size)
    for place, masks in zip(order, together, strict=True):
        for mask, expected in zip(masks, alone[place], strict=True):
            np.testing.assert_allclose(mask, expected, rtol=0, atol=1e-4)


def test_a_prediction_does_not_depend_on_what_its_neighbours_are_padded_with(segmenter: TorchSegmenter):
    small = picture(30, 90)
    wide = [np.full((32, 96, 3), value, np.uint8) for value in (0, 255)]
    black, white = (segmenter.predict_text([one, small], batch_size=2)[1] for one in wide)
    np.testing.assert_array_equal(black, white)
    np.testing.assert_allclose(black, segmenter.predict_text([small])[0], rtol=0, atol=1e-4)


def test_a_prediction_does_not_depend_on_the_number_of_threads(segmenter: TorchSegmenter, alone: list[Masks]):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        masks = segmenter.predict([picture(*SIZES[6], 6)])[0]
    finally:
        torch.set_num_threads(before)
    for mask, expected in zip(masks, alone[6], strict=True):
        np.testing.assert_allclose(mask, expected, rtol=0, atol=1e-4)


def test_text_alone_equals_the_text_of_both(segmenter: TorchSegmenter, alone: list[Masks]):
    texts = segmenter.predict_text([picture(*size, seed) for seed, size in enumerate(SIZES)])
    for text, masks in zip(texts, alone, strict=True):
        np.testing.assert_allclose(text, masks.text, rtol=0, atol=1e-4)


def test_masks_are_those_of_the_networks_own_guided_pass(segmenter: TorchSegmenter):
    crop = picture(32, 96)
    with torch.inference_mode():
        outputs = segmenter.model(normalise_images(torch.from_numpy(crop).permute(2, 0, 1)[None]))
    masks = segmenter.predict([crop])[0]
    for mask, logits in zip(masks, (outputs.text2, outputs.region2), strict=True):
        np.testing.assert_allclose(mask, logits[0, 0].sigmoid().numpy(), rtol=0, atol=1e-4)


def test_a_tall_word_crop_is_predicted_turned_and_a_tall_scene_is_not(segmenter: TorchSegmenter):
    tall, nearly, scene = picture(90, 30), picture(45, 30), picture(200, 60)
    for image, is_turned in ((tall, True), (nearly, False), (scene, False)):
        assert segmenter.turns(image) is is_turned
        on_its_side = np.ascontiguousarray(np.rot90(image))
        flat = TorchSegmenter(segmenter.model, scene_height=1 if image is scene else 96, tile_side=128)
        sideways = flat.predict_text([on_its_side])[0]
        upright = segmenter.predict_text([image])[0]
        assert upright.shape == (sideways.shape[1], sideways.shape[0])
        assert np.array_equal(upright, np.rot90(sideways, -1)) is is_turned
    assert [mask.shape for mask in segmenter.predict([tall])[0]] == [(90, 30)] * 2


def test_no_pictures_give_no_masks(segmenter: TorchSegmenter):
    assert segmenter.predict([]) == [] and segmenter.predict_text([]) == []


def test_grey_rgb_and_rgba_of_one_picture_agree(segmenter: TorchSegmenter):
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


@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_sixteen_bits_give_the_picture_of_their_upper_eight(channels: tuple[int, ...]):
    eight = np.random.default_rng(3).integers(0, 256, (20, 30, *channels), dtype=np.uint8)
    eight[0, 0] = 255
    np.testing.assert_array_equal(as_rgb(eight.astype(np.uint16) * 257, 0), as_rgb(eight, 0))


@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_give_no_nan(segmenter: TorchSegmenter, value: int):
    for size in ((1, 1), (32, 100), (100, 140)):
        for one in segmenter.predict([np.full((*size, 3), value, np.uint8)])[0]:
            assert np.isfinite(one).all()


def test_read_only_and_strided_pictures_are_accepted_and_unchanged(segmenter: TorchSegmenter):
    image = picture(64, 200)
    image.flags.writeable = False
    view = image[::2, ::-2]
    np.testing.assert_allclose(segmenter.predict_text([view])[0], segmenter.predict_text([view.copy()])[0], atol=1e-5)


def test_errors_say_what_came_and_what_to_do(segmenter: TorchSegmenter):
    good = picture(8, 8)
    expected = r"image 1 must be a uint8 array \(H, W\), \(H, W, 3\) or \(H, W, 4\) of at least 1x1 pixels, got "
    for bad, got in (
        (
            good.astype(np.float32),
            r"float32 \(8, 8, 3\); convert it: \(image \* 255\).round\(\)",
        ),
        (good > 99, r"bool \(8, 8, 3\); convert it: image.astype\(np.uint8\) \* 255$"),
        (good.astype(np.int64), r"int64 \(8, 8, 3\); convert it: image.astype\(np.uint8\), or np.uint16 for"),
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
    with pytest.raises(ConfigError, match="working_height and longest_side must be at least 1, got 0 and None"):
        TorchSegmenter(model, working_height=0)
    for side in (112, 1000):
        with pytest.raises(ConfigError, match=f"tile_side must be a multiple of 16 of at least 128, got {side}"):
            TorchSegmenter(model, tile_side=side)
    with pytest.raises(ConfigError, match="fp16 needs a GPU"):
        TorchSegmenter(model, amp="fp16")


def test_working_sizes_by_hand():
    assert working_size((32, 100), height=64) == (64, 200)
    assert working_size((256, 100), height=64) == (64, 25)
    assert working_size((20, 700), height=64) == (27, 960), "enlarged to 960 columns at most"
    assert working_size((1, 5000), height=64) == (1, 5000), "but not shrunk to them"
    assert working_size((128, 5000), height=64) == (64, 2500)
    assert working_size((480, 640), height=64) == (480, 640)
    assert working_size((480, 640), height=64, scene_height=None) == (64, 85)
    assert working_size((3000, 1500), height=64) == (3000, 1500)
    assert working_size((3000, 1500), height=64, longest_side=960) == (960, 480)
    assert working_size((5000, 1), height=64, scene_height=None) == (64, 1)


def test_padding_repeats_the_last_row_and_column():
    image = picture(30, 45)
    result = padded(image)
    assert result.shape == (32, 48, 3) and np.array_equal(result[:30, :45], image)
    assert (result[30:, :45] == image[29]).all() and (result[:30, 45:] == image[:, 44:]).all()
    assert padded(result) is result


def test_bfloat16_masks_stay_near_the_full_ones(segmenter: TorchSegmenter):
    half = TorchSegmenter(segmenter.model, amp="bf16")
    image = picture(32, 96)
    difference = np.abs(half.predict_text([image])[0] - segmenter.predict_text([image])[0])
    assert 0 < difference.mean() < 0.01


def test_crops_of_many_sizes_compile_the_network_once():
    """By its own limit oneDNN forgets the first shapes before they come again; it says itself what it compiles."""
    code = (
        "import numpy as np\n"
        "from segmenter import MutuallyGuidedNet, TorchSegmenter\n"
        "network = TorchSegmenter(MutuallyGuidedNet(width=1, working_height=32), scene_height=None)\n"
        "for turn in (1, 2):\n"
        "    print('turn', flush=True)\n"
        "    for count in range(1, 9):\n"
        "        for columns in range(32, 33 + 16 * 7, 16):\n"
        "            network.predict_text([np.zeros((32, columns, 3), np.uint8)] * count)\n"
    )
    environment = {**os.environ, "ONEDNN_VERBOSE": "profile_create"}
    environment.pop("ONEDNN_PRIMITIVE_CACHE_CAPACITY", None)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    first, second = run.stdout.split("turn\n")[1:]
    assert first.count("create:cache_miss") > 0 == second.count("create:cache_miss")

"""Scenes at several sizes: which sizes, how their maps are joined, and that nothing else decides the result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from segmenter.network import MutuallyGuidedNet
from segmenter.predictor import TorchSegmenter
from segmenter.preprocess import rescale
from segmenter.pyramid import SMALLEST_HALF, check_scales, join_levels, level_sizes
from segrec.core.errors import ConfigError
from segrec.core.images import Array

SIZES = [(100, 230), (230, 100), (115, 50), (400, 300), (97, 97), (20, 60), (400, 300)]
"""Halves of some are other ones' own sizes; one is a word crop."""


@pytest.fixture(scope="module")
def model() -> MutuallyGuidedNet:
    """A network without training whose outputs vary over the image."""
    torch.manual_seed(4)
    model = MutuallyGuidedNet(width=2, skips=True, working_height=32)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_var.fill_(0.1)
    return model


def scenes(model: MutuallyGuidedNet, scales: float | str | Sequence[float]) -> TorchSegmenter:
    return TorchSegmenter(model, scene_height=96, tile_side=128, scales=scales)  # type: ignore[arg-type]


def picture(height: int, width: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


class Recorder(TorchSegmenter):
    """Notes the sizes that enter the network and calls a pixel text where the picture is bright."""

    seen: list[tuple[int, int]]

    def _maps(self, pictures, maps, batch_size):  # type: ignore[no-untyped-def]
        self.seen += [picture.shape[:2] for picture in pictures]
        return [np.repeat(picture[None, :, :, 0], maps, 0).astype(np.float32) / 255 for picture in pictures]


def recorder(model: MutuallyGuidedNet, **options: object) -> Recorder:
    found = Recorder(model, scene_height=96, **options)  # type: ignore[arg-type]
    found.seen = []
    return found


def test_sizes_by_hand():
    assert level_sizes((600, 800), None) == [(600, 800), (300, 400), (150, 200), (75, 100)]
    assert level_sizes((600, 700), None) == [(600, 700), (300, 350), (150, 175)], f"87 is below {SMALLEST_HALF}"
    assert level_sizes((3072, 96), None)[1:] == [(1536, 48), (768, 24), (384, 12), (192, 6), (96, 3)]
    assert level_sizes((400, 40), None) == [(400, 40), (200, 20), (100, 10)]
    assert level_sizes((30, 20), None) == [(30, 20)], "its own size is never left out"
    assert level_sizes((600, 800), (1,)) == [(600, 800)]
    assert level_sizes((600, 800), (128, 1, 0.5)) == [(600, 800), (300, 400), (96, 128)]
    assert level_sizes((600, 800), (128, 512)) == [(384, 512), (96, 128)]
    assert level_sizes((1, 800), (0.001, 1)) == [(1, 800), (1, 1)]


def test_no_size_is_above_the_pictures_own_and_each_comes_once():
    assert level_sizes((600, 800), (4000, 800, 1, 1.0, 900)) == [(600, 800)]
    for height, width in [(1, 1), (97, 3), (3, 97), (385, 4000)]:
        for scales in (None, (1e9, 2, 0.3), (64, 0.999)):
            found = level_sizes((height, width), scales)
            assert len(set(found)) == len(found)
            assert all(1 <= rows <= height and 1 <= columns <= width for rows, columns in found)


def test_scales_are_checked_in_words():
    assert check_scales(None) is check_scales("auto") is None
    assert check_scales(1) == (1,) and check_scales([512, 0.5]) == (512, 0.5) and check_scales(32) == (32,)
    for bad, message in {
        "large": "scales must be 'auto', a number or a list of numbers, got 'large'",
        (): "write 1 for the picture's own size alone",
        0: r"in \(0, 1\] or a longest side in whole pixels, got 0",
        -1: "got -1",
        1.5: "got 1.5",
        float("nan"): "got nan",
        float("inf"): "got inf",
        True: "got True",
        (1, "2"): "got '2'",
        2: "a scale of 2 is a longest side of 2 pixels, of which at least 32 are needed",
        (1, 31): "for more, enlarge the picture first",
    }.items():
        with pytest.raises(ConfigError, match=message):
            check_scales(bad)  # type: ignore[arg-type]


def test_maps_are_joined_halfway_between_mean_and_largest_value_by_hand():
    levels = [np.array([[0, 1, 0.2, 0.5]], np.float32), np.array([[0, 1, 0.8, 0]], np.float32)]
    joined = join_levels(levels, (1, 4))
    np.testing.assert_allclose(joined, [[0, 1, (0.5 + 0.8) / 2, (0.25 + 0.5) / 2]], rtol=1e-6)
    assert joined.dtype == np.float32
    ones = [np.ones((5, 7), np.float32)] * 7
    assert (join_levels(ones, (5, 7)) == 1).all(), "rounding does not leave [0, 1]"


def test_what_one_level_is_sure_of_stays_and_what_it_half_believes_goes():
    nothing = [np.zeros((1, 2), np.float32)] * 3
    joined = join_levels([np.array([[1, 0.7]], np.float32), *nothing], (1, 2))
    assert joined[0, 0] >= 0.5 > joined[0, 1]


def test_a_small_level_is_laid_over_the_whole_picture():
    small = np.array([[0.0, 1.0]], np.float32)
    joined = join_levels([np.zeros((2, 8), np.float32), small], (2, 8))
    assert (joined[:, :2] == 0).all() and (joined[:, 6:] == 0.75).all() and (np.diff(joined[0]) >= 0).all()


@pytest.mark.parametrize(("scales", "sides"), [(1, {400}), ("auto", {400, 200, 100}), ((1, 64), {400, 64})])
def test_scenes_enter_the_network_at_these_sizes_and_word_crops_at_one(model, scales, sides):
    segmenter = recorder(model, scales=scales)
    segmenter.predict([picture(400, 300)])
    assert {max(size) for size in segmenter.seen} == sides
    segmenter.seen = []
    segmenter.predict([picture(16, 20)])
    assert segmenter.seen == [(32, 40)]


def test_a_longest_side_is_the_own_size_that_scales_start_from(model):
    segmenter = recorder(model, longest_side=200, scales=(1, 0.5, 4000))
    assert segmenter.predict([picture(400, 300)])[0].text.shape == (400, 300)
    assert set(segmenter.seen) == {(200, 150), (100, 75)}


def test_the_result_is_the_join_of_what_the_network_says_at_each_size(model):
    image = rescale(picture(20, 15), (400, 300))
    shown = recorder(model, scales=(1, 0.25)).predict([image])[0]
    levels = [rescale(image, size)[:, :, 0].astype(np.float32) / 255 for size in ((400, 300), (100, 75))]
    for mask in shown:
        np.testing.assert_array_equal(mask, join_levels(levels, (400, 300)))


def test_a_scale_of_one_is_the_network_alone_to_the_byte(model):
    image = picture(230, 150)
    plain = TorchSegmenter(model, scene_height=96, scales=1)
    tensor = torch.from_numpy(np.pad(image, ((0, 10), (0, 10), (0, 0)), mode="edge"))[None].permute(0, 3, 1, 2)
    with torch.inference_mode():
        logits = plain._network(tensor.float() / 127.5 - 1)
    expected = logits.sigmoid()[0, :, :230, :150].numpy()
    for found, wanted in zip(plain.predict([image])[0], expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    joined = scenes(model, "auto").predict([image])[0].text
    assert not np.allclose(joined, expected[0], atol=0.01), "a pyramid that changes nothing would prove nothing"


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_neighbours_and_batches_change_no_scene(model, batch_size):
    segmenter = scenes(model, "auto")
    pictures = [picture(*size, seed) for seed, size in enumerate(SIZES)]
    together = segmenter.predict(pictures, batch_size=batch_size)
    for image, masks in zip(pictures, together, strict=True):
        for mask, alone in zip(masks, segmenter.predict([image])[0], strict=True):
            assert mask.shape == image.shape[:2] and mask.min() >= 0 and mask.max() <= 1
            np.testing.assert_allclose(mask, alone, rtol=0, atol=1e-4)


def test_the_order_of_pictures_changes_no_bit_where_the_network_does_not(model):
    segmenter = recorder(model)
    pictures = [picture(*size, seed) for seed, size in enumerate(SIZES)]
    forth, back = segmenter.predict(pictures), segmenter.predict(pictures[::-1])[::-1]
    for one, other in zip(forth, back, strict=True):
        np.testing.assert_array_equal(one.text, other.text)


def test_text_alone_equals_the_text_of_both_at_several_sizes(model):
    segmenter, image = scenes(model, "auto"), picture(230, 150)
    np.testing.assert_allclose(segmenter.predict_text([image])[0], segmenter.predict([image])[0].text, atol=1e-5)

"""Large pictures in tiles: every pixel is covered once in sum, and no seam shows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch

from segmenter.network import MutuallyGuidedNet
from segmenter.predictor import TorchSegmenter
from segmenter.preprocess import STRIDE
from segmenter.tiling import Span, ramps, spans, strips


def test_spans_by_hand():
    assert spans(1, 128) == [Span(0, 16)]
    assert spans(128, 128) == [Span(0, 128)]
    assert spans(129, 128) == [Span(0, 80), Span(64, 80)]
    assert spans(1024 + 512) == [Span(0, 832), Span(704, 832)]
    assert spans(300, 128) == [Span(0, 112), Span(96, 112), Span(192, 112)]


def test_spans_of_every_length_cover_it_overlap_enough_and_keep_to_the_grid():
    for longest in (128, 144, 256, 1024):
        for side in [*range(1, 700), 959, 1025, 5000, 8000, 30000]:
            parts = spans(side, longest)
            assert parts[0].start == 0 and parts[-1].start + parts[-1].length == -(-side // STRIDE) * STRIDE
            assert len({part.length for part in parts}) == 1 and parts[0].length <= longest
            assert all(part.start % STRIDE == 0 == part.length % STRIDE for part in parts)
            for before, after in pairwise(parts):
                shared = before.start + before.length - after.start
                assert longest // 8 - STRIDE < shared < before.length


@pytest.mark.parametrize("side", [100, 129, 300, 5000])
def test_weights_sum_to_one_and_never_jump(side: int):
    parts = spans(side, 128)
    total = np.zeros(parts[-1].start + parts[-1].length)
    for part, weight in zip(parts, ramps(parts), strict=True):
        assert weight.min() > 0 and np.abs(np.diff(weight)).max(initial=0) <= 1 / 16 + 1e-6
        total[part.start : part.start + part.length] += weight
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_tiles_cut_from_a_map_give_that_map_again():
    whole = np.random.default_rng(0).random((2, 333, 150), dtype=np.float32)
    whole[0, :50] = 1
    padded = np.pad(whole, ((0, 0), (0, 3), (0, 10)), mode="edge")

    def cut(down: Span, columns: list[Span]) -> Iterator[np.ndarray]:
        for across in columns:
            yield padded[:, down.start :, across.start :][:, : down.length, : across.length]

    found = list(strips((333, 150), 2, cut, longest=128))
    assert [strip.shape[1] for strip in found] == [96, 112, 125], "rows come as soon as all their tiles are known"
    result = np.concatenate(found, axis=1)
    assert result.dtype == np.float32 and result.max() <= 1
    np.testing.assert_allclose(result, whole, atol=1e-6)


def test_tiles_that_disagree_are_blended_without_a_jump():
    def by_turns(down: Span, columns: list[Span]) -> list[np.ndarray]:
        return [np.full((1, down.length, across.length), place % 2) for place, across in enumerate(columns)]

    (row,) = next(strips((64, 400), 1, by_turns, longest=128))
    assert np.ptp(row) == pytest.approx(1) and (row == row[:1]).all()
    assert np.abs(np.diff(row, axis=1)).max() <= 1 / 16 + 1e-6


@pytest.fixture(scope="module")
def model() -> MutuallyGuidedNet:
    torch.manual_seed(4)
    network = MutuallyGuidedNet(width=2, skips=True, working_height=32)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_var.fill_(0.1)
    return network


def test_within_a_tile_the_masks_are_those_of_the_whole_picture(model: MutuallyGuidedNet):
    image = np.random.default_rng(1).integers(0, 256, (100, 1600, 3), dtype=np.uint8)
    whole = TorchSegmenter(model, scene_height=96, tile_side=1600).predict([image])[0]
    tiled = TorchSegmenter(model, scene_height=96, tile_side=1024).predict([image])[0]
    left, right = spans(1600, 1024)
    reach = 256
    for one, expected in zip(tiled, whole, strict=True):
        assert np.ptp(expected) > 0.01
        alone = np.r_[0 : left.start + left.length - reach, right.start + reach : 1600]
        assert len(alone) > 1000
        np.testing.assert_allclose(one[:, alone], expected[:, alone], rtol=0, atol=1e-4)


def test_a_tiled_prediction_is_the_same_each_time_and_for_each_batch_size(model: MutuallyGuidedNet):
    image = np.random.default_rng(2).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    segmenter = TorchSegmenter(model, scene_height=96, tile_side=128)
    first = segmenter.predict([image], batch_size=1)[0]
    assert np.array_equal(first.text, segmenter.predict([image], batch_size=1)[0].text)
    for many, one in zip(segmenter.predict([image], batch_size=4)[0], first, strict=True):
        np.testing.assert_allclose(many, one, rtol=0, atol=1e-4)


def test_a_uniform_picture_shows_no_trace_of_its_tiles(model: MutuallyGuidedNet):
    flat = np.full((100, 700, 3), 90, np.uint8)
    tiled = TorchSegmenter(model, scene_height=96, tile_side=512).predict_text([flat])[0]
    steps = np.abs(np.diff(tiled[:, 16:-16], axis=1)).max()
    whole = TorchSegmenter(model, scene_height=96).predict_text([flat])[0]
    assert steps <= np.abs(np.diff(whole, axis=1)).max() + 1e-4

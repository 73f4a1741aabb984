"""Masks predicted on the fly and through a store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter import MutuallyGuidedNet
from segmenter.loading import save_segmenter
from segrec.core.images import encode_png
from segrec.data.mask_sources import MaskSource, StoredMasks
from segrec.data.mask_store import MaskStore
from segrec.data.predicted_masks import PredictedMasks, as_stored, predicted_bytes
from segrec.data.words import WordLmdb, WordWriter
from segrec.jobs.precompute import open_segmenter, precompute_masks

SIZES = [(16, 50), (31, 9), (16, 50), (40, 121), (1, 1)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    network = MutuallyGuidedNet(width=4, working_height=32)
    with torch.no_grad():
        for _ in range(20):  # BatchNorms without statistics would give flat masks
            network(torch.rand(4, 3, 32, 64) * 2 - 1)
        network.text_decoder.head.weight *= 5
    path = tmp_path_factory.mktemp("weights") / "segmenter.safetensors"
    save_segmenter(path, network)
    return path


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "words"
    generator = np.random.default_rng(0)
    with WordWriter(folder) as writer:
        for size in SIZES:
            writer.add(encode_png(generator.integers(0, 256, (*size, 3), dtype=np.uint8)), "word")
        writer.add(b"damaged", "word")
    return folder


@pytest.mark.parametrize("size", [None, (32, 100)])
def test_masks_on_the_fly_equal_those_of_a_store(weights, words, tmp_path, size):
    result = precompute_masks(words, tmp_path / "masks", segmenter=weights, device="cpu")
    assert (result.words, result.predicted, result.unreadable) == (6, 6, 1)
    database = WordLmdb(words)
    images = [database[position].image for position in range(len(SIZES))]
    sources: list[MaskSource] = [
        PredictedMasks(open_segmenter(weights, device="cpu")[0]),
        StoredMasks(MaskStore(tmp_path / "masks")),
    ]
    live, stored = (source.masks(range(len(SIZES)), images, [0] * len(SIZES), size) for source in sources)
    assert [mask.shape for mask in live] == [size or own for own in SIZES]
    assert all(np.array_equal(first, second) for first, second in zip(live, stored, strict=True))
    assert max(mask.std() for mask in live) > 10
    assert {source.name for source in sources} == {"predicted"}


def test_masks_are_bytes_of_the_probabilities(weights):
    segmenter, record = open_segmenter(weights, device="cpu")
    image = np.random.default_rng(1).integers(0, 256, (20, 33, 3), dtype=np.uint8)
    mask = predicted_bytes(segmenter, [image])[0]
    assert mask.dtype == np.uint8 and mask.shape == (20, 33)
    assert np.array_equal(mask, np.round(segmenter.predict_text([image])[0] * 255))
    assert record.name == "segmenter" and len(record.digest) == 64
    assert predicted_bytes(segmenter, []) == []


def test_a_stored_mask_keeps_sixteen_levels():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    stored = as_stored(levels)
    assert set(np.unique(stored).tolist()) == set(range(0, 256, 17))
    assert np.abs(stored.astype(int) - levels).max() == 8
    assert np.array_equal(as_stored(stored), stored)

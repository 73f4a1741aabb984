"""Masks predicted on the fly and through a store."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_segmenter import write_small_segmenter

from segrec.core.images import encode_png
from segrec.data.masks.predicted import PredictedMasks, as_stored, mask_bytes, predicted_bytes
from segrec.data.masks.sources import MaskSource, StoredMasks
from segrec.data.masks.store import MaskStore
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import WordLmdb, WordWriter
from segrec.jobs.info_data import inspect_masks
from segrec.jobs.precompute import open_segmenter, precompute_masks, predicted_record

SIZES = [(16, 50), (31, 9), (16, 50), (40, 121), (1, 1), (8, 400)]
KEPT = [(32, 100), (110, 32), (32, 100), (40, 121), (32, 32), (19, 960)]
"""Sizes of their masks: 32 rows, or columns of tall words, fewer where a side would pass 960; at least their own."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_small_segmenter(tmp_path_factory.mktemp("weights"))


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
    assert (result.words, result.predicted, result.unreadable) == (7, 7, 1)
    database = WordLmdb(words)
    images = [database[position].image for position in range(len(SIZES))]
    sources: list[MaskSource] = [
        PredictedMasks(open_segmenter(weights, device="cpu")[0]),
        StoredMasks(MaskStore(tmp_path / "masks")),
    ]
    live, stored = (source.masks(range(len(SIZES)), images, [0] * len(SIZES), size) for source in sources)
    assert [mask.shape for mask in live] == [size or kept for kept in KEPT]
    assert all(np.array_equal(first, second) for first, second in zip(live, stored, strict=True))
    assert max(mask.std() for mask in live) > 10
    assert {source.name for source in sources} == {"predicted"}


def test_masks_are_bytes_of_the_probabilities(weights):
    segmenter, record = open_segmenter(weights, device="cpu")
    image = np.random.default_rng(1).integers(0, 256, (20, 33, 3), dtype=np.uint8)
    mask = predicted_bytes(segmenter, [image])[0]
    assert mask.dtype == np.uint8 and mask.shape == (32, 53)
    assert np.array_equal(mask, np.round(segmenter.predict_detailed_text([image])[0] * 255))
    assert record.name == "segmenter" and len(record.digest) == 64
    assert predicted_bytes(segmenter, []) == []


def test_a_stored_mask_keeps_sixteen_levels():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    stored = as_stored(levels)
    assert set(np.unique(stored).tolist()) == set(range(0, 256, 17))
    assert np.abs(stored.astype(int) - levels).max() == 8
    assert np.array_equal(as_stored(stored), stored)


def begin_old_store(words: Path, store: Path, weights: Path, *, until: int) -> None:
    """Write the first masks of a store as versions before 3 did: at the size of each word's image."""
    network, described = open_segmenter(weights, device="cpu")
    record = predicted_record(WordLmdb(words), network, described, count=len(WordLmdb(words)))
    with MaskStoreWriter.open(store, replace(record, mask_size="crop", version=2)) as writer:
        for position in range(until):
            image = WordLmdb(words)[position].image
            writer.write(
                position + 1, [None if image is None else mask_bytes(network.turning(False).predict_text([image])[0])]
            )


def test_a_store_that_an_older_segrec_began_goes_on_as_it_was(weights, words, tmp_path, caplog):
    store = tmp_path / "masks"
    begin_old_store(words, store, weights, until=2)
    with caplog.at_level("INFO", logger="segrec"):
        assert precompute_masks(words, store, segmenter=weights, device="cpu").predicted == 5
    assert "begun by an older segrec, with masks at the size of the word images; it stays so" in caplog.text
    finished = MaskStore(store)
    assert [mask.shape for mask in (finished[position] for position in range(len(SIZES)))] == SIZES
    assert finished.record.mask_size == "crop" and "mask_size" not in json.loads(finished.record.to_json())
    begin_old_store(words, tmp_path / "whole", weights, until=7)
    for position in range(len(SIZES)):
        assert np.array_equal(finished[position], MaskStore(tmp_path / "whole")[position])


def test_a_store_begun_before_tall_words_were_turned_goes_on_as_it_was(weights, words, tmp_path, caplog):
    network, described = open_segmenter(weights, device="cpu")
    record = replace(predicted_record(WordLmdb(words), network, described, count=len(WordLmdb(words))), version=3)
    with MaskStoreWriter.open(tmp_path / "masks", record):
        pass
    with caplog.at_level("INFO", logger="segrec"):
        precompute_masks(words, tmp_path / "masks", segmenter=weights, device="cpu")
    assert "with masks of tall words as they stand; it stays so" in caplog.text
    finished, tall = MaskStore(tmp_path / "masks"), SIZES.index((31, 9))
    assert finished.record.version == 3 and finished[tall].shape == (32, 9)
    precompute_masks(words, tmp_path / "new", segmenter=weights, device="cpu")
    assert MaskStore(tmp_path / "new")[tall].shape == (110, 32)


def test_a_new_store_says_at_which_size_its_masks_are(weights, words, tmp_path):
    precompute_masks(words, tmp_path / "masks", segmenter=weights, device="cpu")
    assert json.loads(MaskStore(tmp_path / "masks").record.to_json())["mask_size"] == "working"
    assert inspect_masks(tmp_path / "masks", verify=True).facts["mask size"].startswith("working: the segmenter's")
    begin_old_store(words, tmp_path / "old", weights, until=7)
    assert inspect_masks(tmp_path / "old", verify=True).facts["mask size"] == "crop: of each word's image"

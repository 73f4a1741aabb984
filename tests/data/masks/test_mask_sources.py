"""Random, zero and stored masks behind one protocol."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from segrec.core.errors import DataError
from segrec.data.masks.sources import MaskSource, RandomMasks, StoredMasks, ZeroMasks
from segrec.data.masks.store import MaskStore
from segrec.data.masks.writer import MaskStoreWriter

IMAGES = [np.zeros((8, 16 + index, 3), np.uint8) for index in range(3)]


@pytest.fixture
def store(tmp_path, make_words, make_record) -> MaskStore:
    with MaskStoreWriter.open(tmp_path / "masks", make_record(make_words(3))) as writer:
        writer.write(1, [np.full((8, 16), 255, np.uint8), None, np.full((8, 18), 102, np.uint8)])
    return MaskStore(tmp_path / "masks")


@pytest.mark.parametrize("size", [None, (32, 100), (1, 1)])
def test_every_source_gives_uint8_masks_of_the_size_asked_for(store, size):
    sources: list[MaskSource] = [RandomMasks(3), ZeroMasks(), StoredMasks(store)]
    for source in sources:
        masks = source.masks([0, 1, 2], IMAGES, [0, 0, 0], size)
        assert [mask.shape for mask in masks] == [size or image.shape[:2] for image in IMAGES]
        assert {mask.dtype for mask in masks} == {np.dtype(np.uint8)}
        assert source.masks([], [], [], size) == []


def test_a_random_mask_depends_on_seed_index_and_visit_alone():
    source = RandomMasks(7)
    batch = source.masks([4, 9], IMAGES[:2], [2, 0], (32, 100))
    alone = source.masks([9], IMAGES[2:], [0], (32, 100))[0]
    assert np.array_equal(batch[1], alone)
    expected = np.random.default_rng((7, 4, 2)).integers(0, 2, (32, 100), dtype=np.uint8) * 255
    assert np.array_equal(batch[0], expected)
    others = [
        RandomMasks(8).masks([4], IMAGES[:1], [2], (32, 100))[0],
        source.masks([5], IMAGES[:1], [2], (32, 100))[0],
        source.masks([4], IMAGES[:1], [3], (32, 100))[0],
    ]
    assert not any(np.array_equal(batch[0], other) for other in others)


def test_a_random_mask_is_half_on():
    mask = RandomMasks(0).masks([0], IMAGES[:1], [0], (512, 512))[0]
    assert set(np.unique(mask)) == {0, 255}
    assert abs(float((mask == 255).mean()) - 0.5) < 0.005


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed must be 0 or more, got -1"):
        RandomMasks(-1)


def test_stored_masks_count_those_that_stand_in_for_unreadable_images(store):
    source = StoredMasks(store)
    masks = source.masks([0, 1, 2], IMAGES, [0, 0, 0], None)
    assert [int(mask.max()) for mask in masks] == [255, 0, 102]
    assert source.missing == 1
    assert source.name == "predicted" and StoredMasks(store, "oracle").name == "oracle"


def test_stored_masks_do_not_invent_what_the_store_does_not_cover(store):
    with pytest.raises(DataError, match="covers images 1 to 3, not 4"):
        StoredMasks(store).masks([3], IMAGES[:1], [0], None)


def test_every_source_survives_pickling(store):
    for source in [RandomMasks(3), ZeroMasks(), StoredMasks(store)]:
        copy = pickle.loads(pickle.dumps(source))
        assert copy.name == source.name
        for mine, theirs in zip(
            copy.masks([0, 2], IMAGES[::2], [1, 1], (8, 8)),
            source.masks([0, 2], IMAGES[::2], [1, 1], (8, 8)),
            strict=True,
        ):
            assert np.array_equal(mine, theirs)

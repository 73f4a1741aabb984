from __future__ import annotations

import numpy as np
import pytest
from crnn_states import small_state

from recognizers import Recognizer, load_pretrained, widen_input


def crops(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (rng.integers(1, 60), rng.integers(1, 200), 3), dtype=np.uint8) for _ in range(count)]


def masks_for(images: list[np.ndarray]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, image.shape[:2], dtype=np.uint8) for image in images]


@pytest.fixture
def plain() -> Recognizer:
    return Recognizer(load_pretrained(small_state()))


@pytest.fixture
def wide() -> Recognizer:
    model = widen_input(load_pretrained(small_state()), "luma")
    model.cnn.conv0.weight.data[:, 3] = 1.0
    return Recognizer(model)


def test_no_images_give_no_readings(plain, wide):
    assert plain.read([]) == []
    assert wide.read([]) == [] and wide.read([], []) == []


def test_a_reading_does_not_depend_on_the_batch_it_came_in(plain):
    images = crops(7)
    together = plain.read(images)
    assert len(together) == 7
    for batch_size in (1, 3):
        again = plain.read(images, batch_size=batch_size)
        assert [reading.text for reading in again] == [reading.text for reading in together]
        assert [r.confidence for r in again] == pytest.approx([r.confidence for r in together], abs=1e-5)


def test_the_mask_is_read_along(wide):
    images = crops(5)
    masks = masks_for(images)
    assert wide.needs_mask
    readings = wide.read(images, masks, batch_size=2)
    blind = wide.read(images, [np.zeros_like(mask) for mask in masks])
    assert [r.confidence for r in readings] != [r.confidence for r in blind]


def test_a_widened_reader_reads_grey_crops_as_the_plain_one(plain):
    images = [np.repeat(crop[:, :, :1], 3, axis=2) for crop in crops(5)]
    wide = Recognizer(widen_input(plain.model, "luma"))
    before, after = plain.read(images), wide.read(images, masks_for(images))
    assert [reading.text for reading in after] == [reading.text for reading in before]
    assert [r.confidence for r in after] == pytest.approx([r.confidence for r in before], abs=1e-5)


def test_wrong_masks_are_refused_in_words(plain, wide):
    images = crops(2)
    masks = masks_for(images)
    with pytest.raises(ValueError, match="takes RGB \\+ mask: give one"):
        wide.read(images)
    with pytest.raises(ValueError, match="got 1 masks for 2 images"):
        wide.read(images, masks[:1])
    with pytest.raises(ValueError, match="mask 1 must have its image's size"):
        wide.read(images, [masks[0], masks[1][:, :-1]])
    with pytest.raises(ValueError, match="takes no mask"):
        plain.read(images, masks)
    with pytest.raises(ValueError, match="uint8"):
        wide.read(images, [mask / 255 for mask in masks])


def test_wrong_images_and_batch_sizes_are_refused(plain):
    with pytest.raises(ValueError, match=r"image must be \(H, W, 3\) uint8 RGB, got \(4, 4\)"):
        plain.read([np.zeros((4, 4), np.uint8)])
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        plain.read([], batch_size=0)

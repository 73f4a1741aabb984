"""Pictures of every kind of dataset become training samples."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_releases import RELEASES

from segmenter.datasets import READERS, open_dataset
from segrec.data.segmentation import SegmentationDataset, collate

SIZE = (32, 48)


def test_there_is_a_tiny_release_of_every_kind():
    assert set(RELEASES) == set(READERS)


@pytest.mark.parametrize("kind", READERS)
def test_every_kind_gives_training_samples_that_differ_from_visit_to_visit_alone(kind, tmp_path):
    RELEASES[kind](tmp_path / "release")
    images = open_dataset(kind, tmp_path / "release")
    assert len(images) == 1 and images.name(0)
    samples = SegmentationDataset(images, SIZE, seed=0, words=False)
    first, again, later = samples[0, 0], samples[0, 0], samples[0, 1]
    assert first.image.shape == (*SIZE, 3) and first.image.dtype == np.uint8
    assert np.array_equal(first.image, again.image) and not np.array_equal(first.image, later.image)
    batch = collate([first, later])
    assert batch.images.shape == (2, 3, *SIZE)
    assert (batch.has_text | batch.has_region).all(), "a picture without any mask teaches nothing"
    for mask, has in ((batch.text, batch.has_text), (batch.region, batch.has_region)):
        assert mask.shape == (2, 1, *SIZE)
        assert not has.any() or (mask[has] > 128).any(), "a mask has some text"

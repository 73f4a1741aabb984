"""Rendered words whose pictures are damaged at each visit, and whose masks are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segrec.data.corrupted_words import CorruptedWords
from segrec.data.masked_images import open_masked
from segrec.data.segmentation import SegmentationDataset
from segrec.rendering.writing import render_words


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("corrupted") / "words"
    render_words(path, 4, seed=3)
    return path


def test_pictures_are_damaged_anew_at_each_visit_and_keep_their_size_and_masks(rendered):
    clear, bad = open_masked(f"words={rendered}"), open_masked(f"words:corrupted={rendered}")
    assert isinstance(bad, CorruptedWords) and len(bad) == len(clear) == 4
    for position in range(4):
        known = clear.sample(position)
        visits = [bad.visited(position, seed=7, visit=visit) for visit in range(12)]
        assert bad.name(position) == clear.name(position)
        assert all(one.image.shape == known.image.shape and one.image.dtype == np.uint8 for one in visits)
        assert all(np.array_equal(one.text, known.text) and np.array_equal(one.region, known.region) for one in visits)
        assert len({one.image.tobytes() for one in visits} | {known.image.tobytes()}) > 9
        again = bad.visited(position, seed=7, visit=3)
        assert np.array_equal(again.image, visits[3].image), "a function of seed, position and visit"
        assert not np.array_equal(bad.visited(position, seed=8, visit=3).image, again.image)
        assert np.array_equal(bad.sample(position).image, bad.visited(position, seed=0, visit=0).image)


def test_a_training_sees_other_pictures_at_each_visit(rendered):
    samples = SegmentationDataset(open_masked(f"words:corrupted={rendered}", soft=True), (32, 64), seed=0, words=True)
    first, second, again = (samples[0, visit].image for visit in (0, 1, 0))
    assert np.array_equal(first, again) and not np.array_equal(first, second)

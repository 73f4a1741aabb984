"""Pictures without text and the things in them."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.images import decode_image
from segrec.rendering.distractors import DISTRACTORS, cover, scatter
from segrec.rendering.scenes import RenderedScene
from segrec.rendering.text_free import SIDES, TextFreeRenderer, plain

GREY = np.full((60, 110, 3), 120, np.uint8)


@pytest.fixture(scope="module")
def pictures() -> list[RenderedScene]:
    renderer = TextFreeRenderer(0)
    return [renderer.render(index) for index in range(80)]


def test_masks_are_empty_and_of_the_pictures_size(pictures):
    for picture in pictures:
        size = picture.strokes.shape
        assert decode_image(picture.jpeg).shape == (*size, 3) and picture.region.shape == size
        assert not picture.strokes.any() and not picture.region.any()
        assert picture.polygons == [] and picture.texts == []


def test_sizes_reach_from_word_crops_to_scenes(pictures):
    sizes = np.array([picture.strokes.shape for picture in pictures])
    assert sizes.min() >= SIDES[0] == 24 and sizes.max() <= SIDES[1] == 640
    assert ((sizes[:, 0] <= 64) & (sizes[:, 1] >= 2 * sizes[:, 0])).sum() > 8
    assert (sizes.min(axis=1) > 200).sum() > 4
    assert (sizes.max(axis=1) <= 6 * sizes.min(axis=1) + 3).all()


def test_some_are_plain_some_smooth_and_many_full_of_edges(pictures):
    steps = []
    for picture in pictures:
        grey = decode_image(picture.jpeg).mean(axis=2)
        steps.append(max(np.abs(np.diff(grey, axis=axis)).max() for axis in (0, 1)))
    steps = np.array(steps)
    assert (steps == 0).sum() >= 2
    assert ((steps > 0) & (steps < 12)).sum() >= 4
    assert (steps > 40).mean() > 0.3


def test_black_and_white_are_among_the_plain_ones():
    rng = np.random.default_rng(0)
    drawn = [plain(rng, (3, 4)) for _ in range(60)]
    colors = [image[0, 0].tolist() for image in drawn if (image == image[0, 0]).all()]
    assert colors.count([0, 0, 0]) > 2 and colors.count([255, 255, 255]) > 2
    assert 20 < len(colors) < 60  # the others have a sensor's noise
    assert max(np.ptp(image.astype(int), axis=(0, 1)).max() for image in drawn) < 40


def test_a_picture_is_a_function_of_seed_and_index_alone(pictures):
    again = TextFreeRenderer(0)
    for index in (33, 5):
        assert again.render(index).jpeg == pictures[index].jpeg
    assert TextFreeRenderer(1).render(5).jpeg != pictures[5].jpeg


@pytest.mark.parametrize("distractor", DISTRACTORS, ids=lambda distractor: distractor.__name__)
def test_each_distractor_draws_on_canvases_of_any_size(distractor):
    for size in ((1, 1), (8, 300), (90, 7)):
        distractor(np.full((*size, 3), 120, np.uint8), np.random.default_rng(0))
    changed = []
    for seed in range(8):
        canvas = GREY.copy()
        distractor(canvas, np.random.default_rng(seed))
        changed.append(np.mean((canvas != GREY).any(axis=2)))
        again = GREY.copy()
        distractor(again, np.random.default_rng(seed))
        assert np.array_equal(canvas, again)
    assert np.median(changed) > 0.02


def test_covering_and_scattering_leave_the_canvas_given_as_it_is():
    for draw in (cover, scatter):
        changed = 0
        for seed in range(12):
            canvas = GREY.copy()
            drawn = draw(canvas, np.random.default_rng(seed))
            assert np.array_equal(canvas, GREY) and drawn.shape == GREY.shape and drawn.dtype == np.uint8
            changed += not np.array_equal(drawn, GREY)
        assert changed >= 11

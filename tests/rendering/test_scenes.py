"""Rendered scenes."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import pytest

from segrec.core.images import decode_image
from segrec.rendering.scenes import SIDES, RenderedScene, SceneRenderer


@pytest.fixture(scope="module")
def scenes(sources) -> list[RenderedScene]:
    renderer = SceneRenderer(0, sources)
    return [renderer.render(index) for index in (0, 7, 10, 48, 49, 53)]


def test_image_and_masks_have_one_size(scenes):
    for scene in scenes:
        size = scene.strokes.shape
        assert decode_image(scene.jpeg).shape == (*size, 3) and scene.region.shape == size
        assert all(SIDES[0] <= side <= SIDES[1] for side in size)


def test_no_two_polygons_overlap(scenes):
    pairs = 0
    for scene in scenes:
        for first, second in combinations(scene.polygons, 2):
            boxes = [(polygon.min(axis=0), polygon.max(axis=0)) for polygon in (first, second)]
            apart = np.maximum(boxes[0][0], boxes[1][0]) >= np.minimum(boxes[0][1], boxes[1][1]) - 1e-3
            assert apart.any()
            pairs += 1
    assert pairs > 20


def test_polygons_lie_in_the_picture_and_each_has_its_text(scenes):
    for scene in scenes:
        assert len(scene.polygons) == len(scene.texts)
        for polygon, text in zip(scene.polygons, scene.texts, strict=True):
            assert polygon.min() >= 0 and (polygon <= scene.strokes.shape[::-1]).all()
            assert text and cv2.contourArea(polygon) > 4


def test_strokes_lie_in_the_region_and_every_word_has_some(scenes):
    for scene in scenes:
        beyond = cv2.distanceTransform((scene.region == 0).astype(np.uint8), cv2.DIST_L2, 5)
        assert beyond[scene.strokes > 127].max(initial=0) <= 1.5
        for polygon in scene.polygons:
            (left, top), (right, bottom) = (
                np.floor(polygon.min(axis=0)).astype(int),
                np.ceil(polygon.max(axis=0)).astype(int),
            )
            assert scene.strokes[top:bottom, left:right].max() > 60


def test_some_scenes_have_no_text(scenes):
    empty = [scene for scene in scenes if not scene.texts]
    assert 0 < len(empty) < len(scenes)
    for scene in empty:
        assert scene.polygons == [] and not scene.strokes.any() and not scene.region.any()


def test_a_scene_is_a_function_of_seed_and_index_alone(sources, scenes):
    again = SceneRenderer(0, sources).render(10)
    assert again.jpeg == scenes[2].jpeg and again.texts == scenes[2].texts
    assert np.array_equal(again.strokes, scenes[2].strokes)
    assert len({scene.jpeg for scene in scenes}) == len(scenes)
    assert SceneRenderer(1, sources).render(10).jpeg != again.jpeg

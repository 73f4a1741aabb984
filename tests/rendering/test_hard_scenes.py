"""Scenes with more, smaller and fainter words among things that are not text."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.errors import ConfigError
from segrec.core.files import read_json
from segrec.core.images import decode_image
from segrec.data import camera
from segrec.data.words import WordLmdb
from segrec.rendering.scenes import RenderedScene, SceneRenderer
from segrec.rendering.words import WordRenderer
from segrec.rendering.writing import render_scenes, render_words

COUNT = 8


@pytest.fixture(scope="module")
def scenes(sources) -> list[RenderedScene]:
    renderer = SceneRenderer(0, sources, style="hard")
    return [renderer.render(index) for index in range(COUNT)]


def letter_height(scenes: list[RenderedScene]) -> float:
    return float(np.median([np.ptp(polygon[:, 1]) for scene in scenes for polygon in scene.polygons]))


def test_hard_scenes_have_more_and_smaller_words(scenes, sources):
    renderer = SceneRenderer(0, sources)
    mixed = [renderer.render(index) for index in range(COUNT)]
    assert sum(len(scene.texts) for scene in scenes) > sum(len(scene.texts) for scene in mixed)
    assert letter_height(scenes) < 0.8 * letter_height(mixed)


def test_masks_and_polygons_belong_to_the_picture(scenes):
    for scene in scenes:
        size = scene.strokes.shape
        assert decode_image(scene.jpeg).shape == (*size, 3) and scene.region.shape == size
        assert len(scene.polygons) == len(scene.texts)
        assert not scene.strokes[scene.region == 0].max(initial=0) > 127
        for polygon in scene.polygons:
            (left, top), (right, bottom) = polygon.min(axis=0).astype(int), np.ceil(polygon.max(axis=0)).astype(int)
            assert scene.strokes[top:bottom, left:right].max() > 60


def test_most_words_of_a_hard_scene_stand_out_from_their_ground(scenes):
    clear = []
    for scene in scenes:
        image = decode_image(scene.jpeg)
        for polygon in scene.polygons:
            (left, top), (right, bottom) = polygon.min(axis=0).astype(int), np.ceil(polygon.max(axis=0)).astype(int)
            spot = (slice(top, bottom), slice(left, right))
            clear.append(camera.clearness(image[spot], scene.strokes[spot]) > 0.5)
    assert np.mean(clear) > 0.75


def test_a_hard_scene_is_a_function_of_seed_and_index_alone(scenes, sources):
    again = SceneRenderer(0, sources, style="hard").render(5)
    assert again.jpeg == scenes[5].jpeg and again.texts == scenes[5].texts
    assert SceneRenderer(0, sources).render(5).jpeg != again.jpeg


def test_styles_reach_what_is_written(scenes, sources, tmp_path):
    render_words(tmp_path / "words", 3, seed=1, sources=sources, style="hard")
    expected = [WordRenderer(1, sources, style="hard").render(index).jpeg for index in range(3)]
    assert [WordLmdb(tmp_path / "words").image_bytes(position) for position in range(3)] == expected
    render_scenes(tmp_path / "scenes", 1, seed=0, sources=sources, style="hard")
    assert (tmp_path / "scenes" / "images" / "scene-000001.jpg").read_bytes() == scenes[0].jpeg


def test_text_free_scenes_are_written_with_empty_masks_and_no_polygon(sources, tmp_path):
    render_scenes(tmp_path, 3, seed=2, sources=sources, text_free=True, workers=2)
    for name in read_json(tmp_path / "scenes.json")["scenes"]:
        for kind in ("text", "regions"):
            assert not decode_image((tmp_path / kind / f"{name}.png").read_bytes()).any()
        assert (tmp_path / "polygons" / f"{name}.json").read_text() == "[]"


def test_text_free_scenes_in_a_style_are_refused(sources, tmp_path):
    with pytest.raises(
        ConfigError, match="text-free scenes have no style, got 'hard'; leave out --style or --text-free"
    ):
        render_scenes(tmp_path / "new", 1, sources=sources, style="hard", text_free=True)
    assert not (tmp_path / "new").exists()


def test_an_unknown_style_is_refused_before_anything_is_written(sources, tmp_path):
    for render in (render_words, render_scenes):
        with pytest.raises(ConfigError, match="there is no style 'worse'"):
            render(tmp_path / "new", 1, sources=sources, style="worse")
        assert not (tmp_path / "new").exists()

"""Rendered data on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from segrec.core.errors import ConfigError, DataError
from segrec.core.files import read_json
from segrec.core.images import decode_image, read_image
from segrec.core.polygons import polygon_mask
from segrec.data.masks.kinds import ORACLE, REGIONS
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb
from segrec.rendering.scenes import SceneRenderer
from segrec.rendering.words import WordRenderer
from segrec.rendering.writing import render_scenes, render_words

COUNT = 40


@pytest.fixture(scope="module")
def words(sources, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "words"
    render_words(folder, COUNT, seed=3, sources=sources)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_words_and_their_masks_are_what_the_renderer_gives(words, sources):
    renderer, database = WordRenderer(3, sources), WordLmdb(words)
    strokes, regions = MaskStore(words / ORACLE), MaskStore(words / REGIONS)
    assert len(database) == len(strokes) == len(regions) == COUNT
    for position in (0, 17, COUNT - 1):
        word = renderer.render(position)
        assert database.image_bytes(position) == word.jpeg and database.label(position) == word.text
        for store, mask in ((strokes, word.strokes), (regions, word.region)):
            stored = store[position]
            assert stored is not None and stored.shape == mask.shape
            assert np.abs(stored.astype(int) - mask).max() <= 8  # sixteen grey levels are kept


def test_the_stores_are_complete_and_belong_to_the_words(words):
    database = WordLmdb(words)
    for name, kind in ((ORACLE, "oracle"), (REGIONS, "region")):
        store = MaskStore(words / name)
        store.require_complete()
        store.check_source(database)
        assert store.record.kind == kind and store.record.segmenter is None


def test_one_and_two_workers_write_the_same_bytes(sources, tmp_path):
    render_words(tmp_path / "words", COUNT, seed=3, sources=sources)
    alone = contents(tmp_path / "words")
    assert len(alone) == 3
    (tmp_path / "words").rename(tmp_path / "moved")  # a mask store's record names the path of its words
    render_words(tmp_path / "words", COUNT, seed=3, sources=sources, workers=2)
    assert contents(tmp_path / "words") == alone


def test_words_are_not_overwritten_unless_asked_for(sources, tmp_path):
    render_words(tmp_path, 6, seed=1, sources=sources)
    before = contents(tmp_path)
    with pytest.raises(DataError, match="already holds a database; choose another output or ask to overwrite it"):
        render_words(tmp_path, 6, seed=2, sources=sources)
    assert contents(tmp_path) == before
    render_words(tmp_path, 4, seed=2, sources=sources, overwrite=True)
    assert len(WordLmdb(tmp_path)) == 4
    for name in (ORACLE, REGIONS):
        store = MaskStore(tmp_path / name)
        store.check_source(WordLmdb(tmp_path))
        assert len(store) == 4 and store.complete


def test_words_can_be_written_without_masks(sources, tmp_path):
    render_words(tmp_path, 3, sources=sources, masks=False)
    assert set(contents(tmp_path)) == {"data.mdb"}


@pytest.mark.parametrize("render", [render_words, render_scenes])
def test_a_count_below_one_is_refused_and_writes_nothing(render, sources, tmp_path):
    with pytest.raises(ConfigError, match="--count must be at least 1, got 0"):
        render(tmp_path / "new", 0, sources=sources)
    assert not (tmp_path / "new").exists()


def test_scenes_are_pictures_masks_and_polygons(sources, tmp_path):
    render_scenes(tmp_path, 3, seed=2, sources=sources)
    names = read_json(tmp_path / "scenes.json")["scenes"]
    assert names == ["scene-000001", "scene-000002", "scene-000003"]
    renderer = SceneRenderer(2, sources)
    for index, name in enumerate(names):
        scene = renderer.render(index)
        assert np.array_equal(read_image(tmp_path / "images" / f"{name}.jpg"), decode_image(scene.jpeg))
        assert np.array_equal(read_image(tmp_path / "text" / f"{name}.png")[:, :, 0], scene.strokes)
        region = read_image(tmp_path / "regions" / f"{name}.png")[:, :, 0]
        polygons = json.loads((tmp_path / "polygons" / f"{name}.json").read_text(encoding="utf-8"))
        assert [polygon["text"] for polygon in polygons] == scene.texts
        drawn = np.zeros_like(region)
        for polygon in polygons:
            drawn |= polygon_mask(np.array(polygon["points"], np.float32), region.shape)
        assert np.mean(drawn != region) < 0.001  # points are rounded to hundredths


def test_one_and_two_workers_write_the_same_scenes(sources, tmp_path):
    for workers in (1, 2):
        render_scenes(tmp_path / str(workers), 3, seed=4, sources=sources, workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_scenes_are_not_overwritten(sources, tmp_path):
    (tmp_path / "scenes.json").write_text("{}")
    with pytest.raises(DataError, match="already holds scenes; choose another output or delete it"):
        render_scenes(tmp_path, 1, sources=sources)
    assert set(contents(tmp_path)) == {"scenes.json"}


def test_words_whose_masks_were_not_written_are_rendered_again_by_the_same_arguments_alone(sources, tmp_path):
    render_words(tmp_path, 6, seed=1, sources=sources)
    whole = contents(tmp_path)
    for name in (ORACLE, REGIONS):
        shutil.rmtree(tmp_path / name)
        for other in ({"seed": 2}, {"seed": 1, "masks": False}):
            with pytest.raises(DataError, match="already holds a database"):
                render_words(tmp_path, 6, sources=sources, **other)
        with pytest.raises(DataError, match="already holds a database"):
            render_words(tmp_path, 5, seed=1, sources=sources)
        render_words(tmp_path, 6, seed=1, sources=sources)
        assert contents(tmp_path) == whole
    with pytest.raises(DataError, match="already holds a database"):
        render_words(tmp_path, 6, seed=1, sources=sources)

"""The other commands: render, read, segment, info and train."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_words import contents

from segrec.core.images import Array, decode_mask, read_image
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb

RUN_FILES = {"run.json", "metrics.jsonl", "last.safetensors", "best.safetensors", "state.pt"}


@pytest.fixture
def crops(words: Path, tmp_path: Path) -> list[Path]:
    database = WordLmdb(words)
    paths = [tmp_path / f"crop{position}.jpg" for position in range(3)]
    for position, path in enumerate(paths):
        path.write_bytes(database.image_bytes(position) or b"")
    return paths


def mask_of(path: Path) -> Array:
    return decode_mask(path.read_bytes())


def test_rendered_words_come_with_exact_masks_and_again_with_the_same_bytes(segrec, tmp_path):
    for name, workers in (("one", "1"), ("two", "2")):
        arguments = ["--count", "6", "--seed", "4", "--output", tmp_path / name, "--workers", workers]
        code, out, _ = segrec("render", "words", *arguments)
        assert (code, out) == (0, f"{tmp_path / name}: 6 words\n")
    assert (tmp_path / "one" / "data.mdb").read_bytes() == (tmp_path / "two" / "data.mdb").read_bytes()
    words = WordLmdb(tmp_path / "one")
    for kind in ("oracle", "regions"):
        store = MaskStore(tmp_path / "one" / kind)
        store.check_source(words)
        for position, word in enumerate(words):
            mask = store[position]
            assert mask is not None and word.image is not None and mask.shape == word.image.shape[:2]


def test_rendering_does_not_overwrite_what_is_there(segrec, words, tmp_path):
    before = (words / "data.mdb").read_bytes()
    code, out, err = segrec("render", "words", "--count", "1", "--output", words)
    assert (code, out) == (1, "") and "already holds a database" in err
    assert (words / "data.mdb").read_bytes() == before


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("source", ["--fonts", "--lexicon", "--backgrounds"])
def test_a_missing_source_of_rendering_is_one_line_with_any_number_of_workers(segrec, tmp_path, source, workers):
    asked = ["--count", "3", "--output", tmp_path / "words", "--workers", workers]
    code, _, err = segrec("render", "words", *asked, source, tmp_path / "missing")
    assert code == 1 and err.count("\n") == 1 and "missing" in err
    assert not (tmp_path / "words" / "data.mdb").exists()


@pytest.fixture
def scenes(segrec, tmp_path) -> Path:
    code, out, _ = segrec("render", "scenes", "--count", "2", "--output", tmp_path / "scenes")
    assert (code, out) == (0, f"{tmp_path / 'scenes'}: 2 scenes\n")
    return tmp_path / "scenes"


def test_rendered_scenes_have_masks_and_polygons(scenes):
    names = json.loads((scenes / "scenes.json").read_text())["scenes"]
    assert len(names) == 2
    for name in names:
        image = read_image(scenes / "images" / f"{name}.jpg")
        assert mask_of(scenes / "text" / f"{name}.png").shape == image.shape[:2]
        assert mask_of(scenes / "regions" / f"{name}.png").shape == image.shape[:2]
        assert all(polygon["text"] for polygon in json.loads((scenes / "polygons" / f"{name}.json").read_text()))


def test_read_gives_a_line_or_a_json_row_for_each_picture_in_order(segrec, crops):
    code, out, err = segrec("read", *crops)
    assert (code, err) == (0, "")
    assert [line.split("\t")[0] for line in out.splitlines()] == [str(path) for path in crops]
    rows = json.loads(segrec("read", *crops, "--format", "json").out)
    for row, line in zip(rows, out.splitlines(), strict=True):
        assert [row["image"], row["text"], str(row["confidence"])] == line.split("\t")
        assert len(row["character_confidences"]) == len(row["text"])
        assert all(0 <= value <= 1 for value in [row["confidence"], *row["character_confidences"]])


def test_read_names_a_picture_that_it_cannot_read_and_reads_the_others(segrec, crops, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    code, out, err = segrec("read", crops[0], tmp_path / "bad.png", crops[1], "--format", "json")
    assert code == 1 and err.count("\n") == 1 and "1 of 3 images were not read" in err and "bad.png" in err
    assert ["error" in row for row in json.loads(out)] == [False, True, False]


def test_segment_writes_masks_and_overlays_of_the_pictures_sizes(segrec, crops, scenes, tmp_path):
    scene = next((scenes / "images").glob("*.jpg"))
    code, out, err = segrec("segment", crops[0], scene, "--output", tmp_path / "masks", "--overlays")
    assert (code, err) == (0, "")
    written = [Path(line) for line in out.splitlines()]
    assert sorted(written) == sorted((tmp_path / "masks").iterdir()) and len(written) == 6
    for picture in (crops[0], scene):
        shape = read_image(picture).shape
        for kind in ("text", "region"):
            assert mask_of(tmp_path / "masks" / f"{picture.stem}.{kind}.png").shape == shape[:2]
        assert read_image(tmp_path / "masks" / f"{picture.stem}.overlay.png").shape == shape


def test_segment_refuses_pictures_whose_masks_would_overwrite_each_other(segrec, crops, tmp_path):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / crops[0].name
    twin.write_bytes(crops[1].read_bytes())
    code, _, err = segrec("segment", crops[0], twin, "--output", tmp_path / "masks")
    assert code == 1 and str(crops[0]) in err and str(twin) in err
    assert not (tmp_path / "masks").exists()


def test_segment_names_a_picture_that_it_cannot_read_and_does_the_others(segrec, crops, tmp_path):
    code, out, err = segrec("segment", tmp_path / "missing.png", crops[0], "--output", tmp_path / "masks")
    assert code == 1 and len(out.splitlines()) == 2
    assert err.count("\n") == 1 and "1 of 2 images were not read" in err and "missing.png" in err


def test_info_says_what_things_are_and_fails_on_unsound_ones(segrec, words, masks, tmp_path):
    for path, kind in ((words, "word database"), (masks, "mask store")):
        code, out, err = segrec("info", path)
        assert (code, err) == (0, "") and out.startswith(f"{path}: {kind}, sound\n")
    assert json.loads(segrec("info", words, "--format", "json").out)["kind"] == "word database"
    (tmp_path / "data.mdb").write_bytes(b"damaged" * 2000)
    code, _, err = segrec("info", tmp_path)
    assert code == 1 and err.count("\n") == 1 and str(tmp_path) in err


def test_a_recognizer_trains_from_scratch_and_goes_on(segrec, words, tmp_path):
    asked = ["--data", words, "--valid", words, "--valid-limit", "4", "--batch-size", "4", "--workers", "0"]
    code, out, err = segrec("train", "crnn", *asked, "--steps", "2", "--output", tmp_path / "run")
    assert code == 0 and "best.safetensors" in out, err
    assert set(contents(tmp_path / "run")) == RUN_FILES
    code, _, err = segrec("train", "crnn", *asked, "--steps", "3", "--output", tmp_path / "run")
    assert code == 0 and "at step 2" in err
    assert segrec("eval", "--model", tmp_path / "run", "--data", f"w={words}", "--limit", "4").code == 0


def test_a_segmenter_trains_from_scratch_in_both_phases_and_predicts(segrec, words, scenes, tmp_path):
    data = ["--words", words, "--scenes", scenes, "--valid", words, "--word-batch", "2", "--scene-batch", "1"]
    steps = ["--steps", "4", "--phase1-share", "0.5", "--workers", "0", "--output", tmp_path / "run"]
    code, out, err = segrec("train", "segmenter", *data, *steps)
    assert code == 0 and "best.safetensors" in out, err
    assert set(contents(tmp_path / "run")) == RUN_FILES
    store = tmp_path / "masks"
    asked = ["--data", words, "--output", store, "--segmenter", tmp_path / "run", "--limit", "3"]
    assert segrec("precompute-masks", *asked).code == 0
    assert MaskStore(store).complete

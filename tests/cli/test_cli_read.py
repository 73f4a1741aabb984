"""`segrec read` with a lexicon and with a beam."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segrec.core.errors import ConfigError
from segrec.core.images import encode_png
from segrec.data.words import WordLmdb
from segrec.reader import Reader


@pytest.fixture(scope="module")
def crops(words, tmp_path_factory) -> list[Path]:
    folder, database = tmp_path_factory.mktemp("crops"), WordLmdb(words)
    files = [folder / f"{position}.png" for position in range(3)]
    for position, file in enumerate(files):
        file.write_bytes(database.image_bytes(position) or b"")
    return files


def test_readings_become_words_as_the_lexicon_spells_them(segrec, crops, tmp_path):
    (tmp_path / "words.txt").write_text("O'Neil\n Station \n", encoding="utf-8")
    code, out, err = segrec(
        "read", *crops, "--model", "crnn-slim-predicted", "--lexicon", tmp_path / "words.txt", "--format", "json"
    )
    assert code == 0, err
    for row in json.loads(out):
        assert row["text"] in ("O'Neil", "Station")
        assert len(row["character_confidences"]) == len(row["text"])
    code, out, err = segrec("read", *crops, "--lexicon", tmp_path / "absent.txt")
    assert (code, out) == (1, "") and "cannot read the lexicon" in err


def test_a_beam_gives_other_confidences(segrec, crops):
    read = [*crops, "--model", "crnn-slim-predicted", "--format", "json"]
    greedy, beam = (json.loads(segrec("read", *read, *option).out) for option in ([], ["--beam", "5"]))
    assert [row["image"] for row in beam] == [str(crop) for crop in crops]
    assert [row["confidence"] for row in greedy] != [row["confidence"] for row in beam]
    with pytest.raises(ConfigError, match="at least 1 prefix"):
        Reader.from_pretrained(beam=0)


@pytest.mark.parametrize("size", [(400, 300), (384, 1500)])
def test_a_picture_that_looks_like_a_scene_is_read_with_a_warning(segrec, tmp_path, crops, size):
    scene = tmp_path / "photo.png"
    scene.write_bytes(encode_png(np.full((*size, 3), 90, np.uint8)))
    code, out, err = segrec("read", scene, crops[0], "--model", "crnn-slim")
    assert code == 0 and len(out.splitlines()) == 2
    (warning,) = err.splitlines()
    assert f"photo.png has {size[1]} x {size[0]} pixels and looks like a scene" in warning
    assert "read_regions" in warning

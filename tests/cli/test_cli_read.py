"""`segrec read`: every kind of input and output, words and scenes."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from printed_words import printed

from segrec.core.errors import ConfigError
from segrec.core.images import encode_png, read_image
from segrec.data.words import WordLmdb
from segrec.reader import Reader

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def crops(words, tmp_path_factory) -> list[Path]:
    folder, database = tmp_path_factory.mktemp("crops"), WordLmdb(words)
    files = [folder / f"{position}.png" for position in range(3)]
    for position, file in enumerate(files):
        file.write_bytes(database.image_bytes(position) or b"")
    return files


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    """A wall with the words hotel and open."""
    wall = np.full((480, 640, 3), (200, 190, 150), np.uint8)
    for word, left in (("hotel", 60), ("open", 190)):
        crop = printed(word)
        wall[60 : 60 + crop.shape[0], left : left + crop.shape[1]] = crop
    file = tmp_path_factory.mktemp("scenes") / "photo.png"
    file.write_bytes(encode_png(wall))
    return file


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


def test_a_beam_and_a_temperature_give_other_confidences(segrec, crops):
    read = [*crops, "--model", "crnn-slim-predicted", "--format", "json"]
    greedy, *others = (
        json.loads(segrec("read", *read, *option).out) for option in ([], ["--beam", "5"], ["--temperature", "3"])
    )
    assert [row["image"] for row in greedy] == [str(crop) for crop in crops]
    for other in others:
        assert [row["confidence"] for row in greedy] != [row["confidence"] for row in other]
    with pytest.raises(ConfigError, match="at least 1 prefix"):
        Reader.from_pretrained(beam=0)


def test_without_a_segmenter_only_plain_recognizers_read(segrec, crops, scene):
    masked = segrec("read", *crops, "--model", "crnn-slim", "--format", "json")
    plain = segrec("read", *crops, "--model", "crnn-slim", "--format", "json", "--segmenter", "none")
    assert (masked[0], plain[0]) == (0, 0), plain[2]
    assert [row["text"] for row in json.loads(plain[1])] == [row["text"] for row in json.loads(masked[1])]
    code, out, err = segrec("read", *crops, "--segmenter", "none")
    assert (code, out) == (1, "") and "needs a segmenter beside it" in err
    code, out, err = segrec("read", scene, "--model", "crnn-slim", "--segmenter", "none")
    assert code == 1 and "no segmenter to find words; name a detector" in err


def test_folders_patterns_databases_and_standard_input_are_read(segrec, crops, words, monkeypatch):
    expected = [line.split("\t")[1:] for line in segrec("read", *crops).out.splitlines()]
    for given in (crops[0].parent, crops[0].parent / "*.png"):
        out = segrec("read", given).out.splitlines()
        assert out == [
            f"{crop}\t{text}\t{confidence}" for crop, (text, confidence) in zip(crops, expected, strict=True)
        ]
    database = segrec("read", words).out.splitlines()
    assert len(database) == len(WordLmdb(words)) and database[0].split("\t") == [f"{words}:1", *expected[0]]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(crops[1].read_bytes())))
    assert segrec("read", "-").out.splitlines() == ["\t".join(["stdin", *expected[1]])]


def test_inputs_that_hold_nothing_are_errors(segrec, tmp_path, monkeypatch):
    assert "holds no picture; its files must end" in segrec("read", tmp_path).err
    assert "no file fits the pattern" in segrec("read", tmp_path / "*.png").err
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    assert "standard input: the image is empty (0 bytes)" in segrec("read", "-").err


def test_what_cannot_be_read_stands_in_every_format(segrec, crops, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for output_format in ("text", "json", "csv", "alto", "hocr"):
        code, out, err = segrec("read", crops[0], tmp_path / "broken.png", crops[1], "--format", output_format)
        assert code == 1 and "1 of 3 images were not read, the first:" in err
        assert "broken.png" in out


def test_a_scene_is_read_as_a_scene_unless_told_otherwise(segrec, scene, crops):
    code, out, err = segrec("read", scene, crops[0], "--format", "json")
    assert code == 0, err
    page, crop = json.loads(out)
    assert page["text"] == "hotel open"
    assert [word["text"] for word in page["words"]] == ["hotel", "open"]
    assert "words" not in crop and np.array(page["words"][0]["polygon"]).shape == (4, 2)
    (whole,) = json.loads(segrec("read", scene, "--crop", "--format", "json").out)
    assert "words" not in whole and whole["text"] != "hotel open"
    (small,) = json.loads(segrec("read", crops[0], "--page", "--format", "json").out)
    assert "words" in small
    assert segrec("read", scene, "--crop", "--page").code == 2


def test_polygons_of_a_file_are_read(segrec, scene, tmp_path):
    right = printed("hotel").shape[1] + 60
    (tmp_path / "gt.txt").write_text(f"\ufeff60,60,{right},60,{right},118,60,118,ho, tel\n", encoding="utf-8")
    (tmp_path / "list.json").write_text(json.dumps([[60, 60, right, 118]]))
    for file in ("gt.txt", "list.json"):
        (page,) = json.loads(segrec("read", scene, "--polygons", tmp_path / file, "--format", "json").out)
        assert page["text"] == "hotel"
    (tmp_path / "again.json").write_text(segrec("read", scene, "--format", "json").out)
    (page,) = json.loads(segrec("read", scene, "--polygons", tmp_path / "again.json", "--format", "json").out)
    assert page["text"] == "hotel open"
    (tmp_path / "bad.txt").write_text("1,2,three\n")
    assert "bad.txt, line 1: expected 8 numbers" in segrec("read", scene, "--polygons", tmp_path / "bad.txt").err


def test_turns_are_tried_as_they_are_named(segrec, tmp_path):
    tilted = Image.fromarray(printed("hotel")).rotate(20, expand=True, resample=Image.Resampling.BICUBIC)
    tilted.save(tmp_path / "tilted.png")
    assert segrec("read", tmp_path / "tilted.png")[1].split("\t")[1] != "hotel"
    code, out, err = segrec("read", tmp_path / "tilted.png", "--turns", "0,20,-20")
    assert (code, out.split("\t")[1]) == (0, "hotel"), (out, err)
    code, out, err = segrec("read", tmp_path / "tilted.png", "--turns", "20;-20")
    assert (code, out) == (2, "") and "write degrees as 0,15,-15, or none; got '20;-20'" in err


def test_csv_alto_and_hocr_hold_the_same_words(segrec, scene, crops):
    rows = list(csv.DictReader(io.StringIO(segrec("read", scene, crops[0], "--format", "csv").out)))
    assert [row["text"] for row in rows][:2] == ["hotel", "open"] and rows[0]["polygon"].count(",") == 4
    alto = ElementTree.fromstring(segrec("read", scene, crops[0], "--format", "alto").out)
    assert [word.get("CONTENT") for word in alto.iter(f"{ALTO}String")] == [row["text"] for row in rows]
    assert len(list(alto.iter(f"{ALTO}Page"))) == 2 and len(list(alto.iter(f"{ALTO}SP"))) == 1
    glyphs = [glyph.get("CONTENT") for glyph in next(alto.iter(f"{ALTO}String")).iter(f"{ALTO}Glyph")]
    assert "".join(glyphs) == "hotel"
    hocr = ElementTree.fromstring(segrec("read", scene, crops[0], "--format", "hocr").out)
    spans = [span for span in hocr.iter(f"{XHTML}span") if span.get("class") == "ocrx_word"]
    assert [span.text or "" for span in spans] == [row["text"] for row in rows]
    assert spans[0].get("title").startswith("bbox 7") and "x_wconf" in spans[0].get("title")


def test_pictures_that_would_overwrite_each_other_are_refused_before_anything_is_read(segrec, crops, tmp_path):
    twins = tmp_path / "twins"
    twins.mkdir()
    (twins / "photo.png").write_bytes(crops[0].read_bytes())
    (tmp_path / "photo.png").write_bytes(crops[0].read_bytes())
    given = (twins, tmp_path / "phot?.png")
    code, out, err = segrec("read", *given, "--draw", tmp_path / "drawn")
    assert (code, out) == (1, "") and "would both be written as photo.reading.png" in err
    assert not (tmp_path / "drawn").exists()
    folder = tmp_path / "photo"  # a folder is not written under its own name
    folder.mkdir()
    (folder / "word.png").write_bytes(crops[0].read_bytes())
    assert segrec("read", folder, tmp_path / "photo.png", "--draw", tmp_path / "drawn").code == 0
    assert {file.name for file in (tmp_path / "drawn").iterdir()} == {"photo.reading.png", "word.reading.png"}


def test_overlays_show_outlines_on_the_photograph(segrec, scene, tmp_path):
    assert segrec("read", scene, "--overlays", tmp_path, "--threads", "1").code == 0
    shown, photo = read_image(tmp_path / "photo.overlay.png"), read_image(scene)
    assert shown.shape == photo.shape
    changed = (shown != photo).any(axis=2)
    assert changed[60:118, 60:180].any() and not changed[200:].any()

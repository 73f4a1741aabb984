"""The styles of `segrec render`."""

from __future__ import annotations

from segrec.core.files import read_json
from segrec.core.images import read_image
from segrec.data.words import WordLmdb

COUNT = 6


def test_hard_words_are_rendered_when_asked_for(segrec, tmp_path):
    for style in ("mixed", "hard"):
        output = tmp_path / style
        code, out, _ = segrec("render", "words", "--count", COUNT, "--style", style, "--seed", 4, "--output", output)
        assert code == 0 and out.strip() == f"{output}: {COUNT} words"
    mixed, hard = WordLmdb(tmp_path / "mixed"), WordLmdb(tmp_path / "hard")
    assert all(hard[position].image.shape[0] <= 32 for position in range(COUNT))
    assert [hard.image_bytes(position) for position in range(COUNT)] != [
        mixed.image_bytes(position) for position in range(COUNT)
    ]
    assert (tmp_path / "hard" / "oracle").is_dir()


def test_words_are_mixed_when_no_style_is_named(segrec, tmp_path):
    for name, options in (("bare", ()), ("named", ("--style", "mixed"))):
        assert segrec("render", "words", "--count", 2, "--seed", 4, "--output", tmp_path / name, *options)[0] == 0
    bare, named = WordLmdb(tmp_path / "bare"), WordLmdb(tmp_path / "named")
    assert [bare.image_bytes(position) for position in (0, 1)] == [named.image_bytes(position) for position in (0, 1)]


def test_text_free_scenes_are_rendered_when_asked_for(segrec, tmp_path):
    code, out, _ = segrec("render", "scenes", "--count", COUNT, "--text-free", "--output", tmp_path)
    assert code == 0 and out.strip() == f"{tmp_path}: {COUNT} text-free scenes"
    for name in read_json(tmp_path / "scenes.json")["scenes"]:
        assert not read_image(tmp_path / "text" / f"{name}.png").any()


def test_a_style_that_cannot_be_is_refused(segrec, tmp_path):
    output = ("--output", tmp_path / "new")
    code, _, err = segrec("render", "scenes", "--count", "1", "--text-free", "--style", "hard", *output)
    assert code == 1 and "leave out --style or --text-free" in err
    code, _, err = segrec("render", "words", "--count", "1", "--style", "worse", *output)
    assert code == 2 and "'mixed', 'hard'" in err
    assert not (tmp_path / "new").exists()

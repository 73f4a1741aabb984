"""`segrec render corrupt`: robustness sets from any words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_words import contents, copy_words

from segrec.core.files import read_json
from segrec.core.images import encode_png
from segrec.data.words import WordLmdb
from segrec.jobs import corrupt_words as job

COUNT, BROKEN = 7, 3


@pytest.fixture(scope="module")
def few(words: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some rendered words, one of which cannot be decoded; tests must not write here."""
    return copy_words(words, tmp_path_factory.mktemp("few") / "few", COUNT, images={BROKEN: b"damaged"})


def images(folder: Path) -> list[bytes | None]:
    words = WordLmdb(folder)
    return [words.image_bytes(position) for position in range(len(words))]


def test_each_kind_and_level_becomes_a_database_with_the_labels_kept(segrec, few, tmp_path):
    options = ("--data", few, "--output", tmp_path, "--kind", "blur,small", "--level", "2,4")
    code, out, err = segrec("render", "corrupt", *options)
    assert code == 0 and "1 words of" in err and "have no readable image; they stay unreadable" in err
    names = ["blur-2", "blur-4", "small-2", "small-4"]
    assert out.splitlines() == [f"{tmp_path / name}: {COUNT} words" for name in names]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    source = WordLmdb(few)
    for name in names:
        words = WordLmdb(tmp_path / name)
        assert [word.label for word in words] == [source.label(position) for position in range(COUNT)]
        assert [word.index for word in words if word.image is None] == [BROKEN]
    for position in range(COUNT):
        if position != BROKEN - 1:
            assert not np.array_equal(WordLmdb(tmp_path / "blur-2")[position].image, source[position].image)


def test_the_record_says_what_was_done_to_which_words(segrec, few, tmp_path):
    assert segrec("render", "corrupt", "--data", few, "--output", tmp_path, "--kind", "dark", "--seed", 5)[0] == 0
    record = read_json(tmp_path / "dark-3" / "corruption.json")
    assert record["source"]["digest"] == WordLmdb(few).digest and record["source"]["path"] == str(few)
    assert (record["corruptions"], record["seed"], record["words"]) == (["dark-3"], 5, COUNT)
    assert record["unreadable"] == 1 and set(record["versions"]) == {"segrec", "numpy", "opencv"}
    code, out, _ = segrec("info", tmp_path / "dark-3")
    assert "dark-3, seed 5, from few at" in out and code == 1  # a word of it is unusable


def test_a_mixed_set_holds_the_words_of_the_single_ones(segrec, few, tmp_path):
    options = ("--data", few, "--output", tmp_path, "--kind", "noise,jpeg", "--seed", 2)
    assert segrec("render", "corrupt", *options, "--mixed")[0] == 0
    assert segrec("render", "corrupt", *options, "--level", "all")[0] == 0
    applied = read_json(tmp_path / "mixed" / "corruption.json")["applied"]
    assert len(applied) == COUNT and len(set(applied)) > 2
    for position, name in enumerate(applied):
        assert images(tmp_path / "mixed")[position] == images(tmp_path / name)[position]


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(segrec, few, tmp_path):
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        options = ("--data", few, "--output", tmp_path / name, "--mixed", "--seed", seed, "--limit", 4)
        assert segrec("render", "corrupt", *options)[0] == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "again")
    assert images(tmp_path / "one" / "mixed") != images(tmp_path / "other" / "mixed")
    assert len(images(tmp_path / "one" / "mixed")) == 4


def test_an_interrupted_run_goes_on_and_ends_in_the_same_bytes(segrec, few, tmp_path, monkeypatch):
    options = ("--data", few, "--kind", "noise", "--level", "1,2")
    assert segrec("render", "corrupt", *options, "--output", tmp_path / "whole")[0] == 0
    corrupt, done = job.corrupt, []

    def interrupted(*arguments, **options):
        done.append(arguments)
        if len(done) > COUNT + 1:
            raise KeyboardInterrupt
        return corrupt(*arguments, **options)

    monkeypatch.setattr(job, "corrupt", interrupted)
    assert segrec("render", "corrupt", *options, "--output", tmp_path / "cut")[0] == 130
    assert (tmp_path / "cut" / "noise-1" / "data.mdb").exists()
    assert not (tmp_path / "cut" / "noise-2" / "data.mdb").exists()
    monkeypatch.undo()
    code, out, _ = segrec("render", "corrupt", *options, "--output", tmp_path / "cut")
    assert code == 0 and "noise-1: 7 words (already there)\n" in out and out.endswith("noise-2: 7 words\n")
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_another_set_in_the_same_place_is_refused_before_anything_is_written(segrec, few, words, tmp_path):
    options = ("--kind", "dark", "--output", tmp_path)
    assert segrec("render", "corrupt", "--data", few, *options)[0] == 0
    before = contents(tmp_path)
    for other, difference in [
        (("--data", few, "--seed", 1, "--level", "1,3"), "seed 0, not 1"),
        (("--data", few, "--limit", 2), "words 7, not 2"),
        (("--data", words, "--limit", COUNT), "a source of num_samples 7, not 40"),
    ]:
        code, _, err = segrec("render", "corrupt", *options, *other)
        assert code == 1 and f"dark-3 was made with {difference}; choose another output or delete it" in err
    assert contents(tmp_path) == before
    (tmp_path / "dark-3" / "corruption.json").unlink()
    code, _, err = segrec("render", "corrupt", "--data", few, *options)
    assert code == 1 and "already holds a database, without corruption.json; choose another output" in err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--kind", "blur,rain"), 2, "unknown kind 'rain'; use some of blur, dark, low-contrast, noise, jpeg, small"),
        (("--level", "0"), 2, "unknown level '0'; use some of 1, 2, 3, 4, 5, or all"),
        (("--data", "nothing"), 1, "nothing"),
    ],
)
def test_what_cannot_be_is_refused(segrec, few, tmp_path, options, code, message):
    found, _, err = segrec("render", "corrupt", "--data", few, "--output", tmp_path / "new", *options)
    assert found == code and message in err
    assert not (tmp_path / "new").exists()


def test_a_picture_of_one_pixel_is_corrupted_like_any_other(segrec, words, tmp_path):
    dot = encode_png(np.full((1, 1, 3), 200, np.uint8))
    data = copy_words(words, tmp_path / "data", 2, images={1: dot})
    assert segrec("render", "corrupt", "--data", data, "--output", tmp_path, "--level", "5")[0] == 0
    assert WordLmdb(tmp_path / "small-5")[0].image.shape == (1, 1, 3)

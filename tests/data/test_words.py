"""Word databases: reading good and bad samples, and writing them whole."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import lmdb
import numpy as np
import pytest
from small_words import picture

from segrec.core import lmdb_io
from segrec.core.errors import DataError
from segrec.core.images import decode_image
from segrec.data.words import StoredWord, WordLmdb, WordWriter

ROOT = Path(__file__).parents[2]


def make_raw(folder: Path, values: dict[bytes, bytes]) -> Path:
    """Write keys as other projects' tools do, with lmdb itself."""
    environment = lmdb.open(str(folder), lock=False)
    with environment.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key, value)
    environment.close()
    return folder


def same_words(one: list[StoredWord], other: list[StoredWord]) -> bool:
    return all(
        (a.index, a.label, a.problem) == (b.index, b.label, b.problem) and np.array_equal(a.image, b.image)
        for a, b in zip(one, other, strict=True)
    )


def test_written_words_come_back_in_order_with_one_based_indices(make_words):
    words = WordLmdb(make_words(12))
    assert len(words) == 12
    assert [word.index for word in words] == list(range(1, 13))
    assert [word.label for word in words] == [f"word{index}" for index in range(12)]
    assert words.image_bytes(3) == picture(3)
    assert np.array_equal(words[3].image, decode_image(picture(3)))
    assert {word.problem for word in words} == {None}


@pytest.mark.parametrize("label", ["Genaxis Theatre", "$1,299.00", '"quoted", text', "naïve Straße 東京", " padded "])
def test_a_label_keeps_every_character(tmp_path, label):
    with WordWriter(tmp_path / "words") as writer:
        assert writer.add(picture(0), label) == 1
    words = WordLmdb(tmp_path / "words")
    assert words.label(0) == words[0].label == label


def test_bad_samples_keep_their_place_and_say_what_is_wrong(tmp_path):
    raw = {b"num-samples": b"6", b"image-000000001": picture(0), b"label-000000001": b"good"}
    raw |= {b"label-000000002": b"hole"}
    raw |= {b"image-000000003": b"", b"label-000000003": b"empty"}
    raw |= {b"image-000000004": picture(3)[:40], b"label-000000004": b"corrupt"}
    raw |= {b"image-000000005": picture(4)}
    raw |= {b"image-000000006": picture(5), b"label-000000006": b"\xff\xfe"}
    words = WordLmdb(make_raw(tmp_path / "words", raw))
    found = list(words)
    assert [word.index for word in found] == [1, 2, 3, 4, 5, 6]
    assert [word.label for word in found] == ["good", "hole", "empty", "corrupt", "", ""]
    assert [word.image is None for word in found] == [False, True, True, True, True, True]
    assert found[0].problem is None
    for word, expected in zip(
        found[1:],
        ["image-000000002 is missing", "is empty", "cannot be decoded", "label-000000005 is missing", "is not UTF-8"],
        strict=True,
    ):
        assert word.problem is not None and expected in word.problem and "\n" not in word.problem
    assert [words.label(position) for position in range(6)] == ["good", "hole", "empty", "corrupt", None, None]
    assert words.image_bytes(1) is None


def test_opening_and_digesting_read_a_handful_of_keys_however_many_samples_are_declared(tmp_path, monkeypatch):
    raw = {b"num-samples": b"900000000", b"image-900000000": picture(0), b"label-900000000": b"last"}
    make_raw(tmp_path / "words", raw)
    read: list[bytes] = []
    get_many = lmdb_io.LmdbReader.get_many

    def counted(self, keys):
        read.extend(keys)
        return get_many(self, keys)

    monkeypatch.setattr(lmdb_io.LmdbReader, "get_many", counted)
    started = time.perf_counter()
    words = WordLmdb(tmp_path / "words")
    assert read == [b"num-samples"]
    assert len(words.digest) == 64
    assert len(read) == 1 + 2 * 64
    assert words[899_999_999].label == "last"
    assert words[450_000_000].problem == "image-450000001 is missing"
    assert time.perf_counter() - started < 1


def test_a_position_outside_is_an_index_error(make_words):
    words = WordLmdb(make_words(3))
    for position in (-1, 3):
        with pytest.raises(IndexError, match="which has 3 words"):
            words[position]
        with pytest.raises(IndexError):
            words.label(position)


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, "no `num-samples`"), (b"many", "expected a decimal number"), (b"-4", "expected a decimal number")],
)
def test_a_database_without_a_sample_count_is_refused_in_one_line(tmp_path, count, words):
    raw = {b"image-000000001": picture(0)} | ({} if count is None else {b"num-samples": count})
    with pytest.raises(DataError, match=words) as error:
        WordLmdb(make_raw(tmp_path / "words", raw))
    assert str(tmp_path / "words") in str(error.value) and "\n" not in str(error.value)


def test_the_source_is_never_written(make_words):
    folder = make_words(12)
    before = (folder / "data.mdb").read_bytes(), (folder / "data.mdb").stat().st_mtime_ns
    words = WordLmdb(folder)
    assert len(list(words)) == 12 and words.digest
    assert ((folder / "data.mdb").read_bytes(), (folder / "data.mdb").stat().st_mtime_ns) == before
    assert os.listdir(folder) == ["data.mdb"]


def test_a_pickled_copy_and_a_forked_child_read_the_same_words(make_words):
    words = WordLmdb(make_words(12))
    assert same_words(list(pickle.loads(pickle.dumps(words))), list(words))
    child = os.fork()
    if child == 0:
        os._exit(0 if [word.label for word in words] == [f"word{index}" for index in range(12)] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert words[11].label == "word11"


def test_a_pickled_copy_reads_in_a_process_that_was_spawned(make_words, tmp_path):
    (tmp_path / "words.pickle").write_bytes(pickle.dumps(WordLmdb(make_words(12))))
    script = f"import pickle; print(pickle.load(open({str(tmp_path / 'words.pickle')!r}, 'rb'))[4].label)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "word4\n"


def test_the_digest_follows_the_content_and_not_the_place(make_words):
    digest = WordLmdb(make_words(70)).digest
    assert WordLmdb(make_words(70, "copy")).digest == digest
    assert WordLmdb(make_words(71, "longer")).digest != digest
    assert WordLmdb(make_words(70, "other", first=1)).digest != digest


def test_the_digest_of_a_small_database_sees_a_change_of_any_sample(make_words, tmp_path):
    digests = set()
    for changed in range(-1, 5):
        with WordWriter(tmp_path / f"words{changed}") as writer:
            for index in range(5):
                writer.add(picture(index), "changed" if index == changed else f"word{index}")
        digests.add(WordLmdb(tmp_path / f"words{changed}").digest)
    assert len(digests) == 6


def test_an_empty_database_has_no_words(tmp_path):
    WordWriter(tmp_path / "words").close()
    assert list(WordLmdb(tmp_path / "words")) == []


def test_the_same_samples_give_the_same_bytes(make_words):
    assert (make_words(40) / "data.mdb").read_bytes() == (make_words(40, "again") / "data.mdb").read_bytes()


def test_other_tools_find_the_fields_own_keys(make_words):
    environment = lmdb.open(str(make_words(2)), readonly=True, lock=False)
    with environment.begin() as transaction:
        found = dict(transaction.cursor())
    environment.close()
    assert sorted(found) == [
        b"image-000000001",
        b"image-000000002",
        b"label-000000001",
        b"label-000000002",
        b"num-samples",
    ]
    assert found[b"num-samples"] == b"2" and found[b"label-000000002"] == b"word1"


def test_an_existing_database_is_kept_unless_overwriting_is_asked_for(make_words):
    folder = make_words(3)
    with pytest.raises(DataError, match="already holds a database"):
        WordWriter(folder)
    old = WordLmdb(folder)
    with WordWriter(folder, overwrite=True) as writer:
        writer.add(picture(9), "new")
        assert len(old) == 3 and old[0].label == "word0"
    assert [word.label for word in WordLmdb(folder)] == ["new"]


def test_an_interrupted_writer_leaves_no_database_and_no_obstacle(tmp_path):
    with pytest.raises(KeyboardInterrupt), WordWriter(tmp_path / "words", samples_per_commit=1) as writer:
        writer.add(picture(0), "half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path / "words") == []
    script = f"""
import os
from segrec.data.words import WordWriter
writer = WordWriter({str(tmp_path / "words")!r}, samples_per_commit=1)
writer.add(b"x", "half")
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == -9
    with pytest.raises(DataError, match=r"holds no data\.mdb"):
        WordLmdb(tmp_path / "words")
    with WordWriter(tmp_path / "words") as writer:
        writer.add(picture(0), "whole")
    assert os.listdir(tmp_path / "words") == ["data.mdb"]
    assert WordLmdb(tmp_path / "words")[0].label == "whole"


def test_two_writers_of_one_database_are_refused_and_a_closed_one_takes_no_more(tmp_path):
    writer = WordWriter(tmp_path / "words")
    with pytest.raises(DataError, match="is being written by another process"):
        WordWriter(tmp_path / "words")
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="is closed"):
        writer.add(picture(0), "late")

"""What is read of a word database is of one state of it: a change is noticed at the next word."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_words import picture

from segrec.core.errors import DataError
from segrec.core.lmdb_io import commit
from segrec.data.masks.store import MaskStore
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import DIGEST_SAMPLES, WordLmdb, evenly_spaced, image_key, label_key


def appended(words: Path) -> None:
    commit(words / "data.mdb", [(image_key(13), picture(13)), (label_key(13), b"more"), (b"num-samples", b"13")])


def replaced(words: Path) -> None:
    commit(words / "data.mdb", [(image_key(9), picture(90))])


def overwritten(words: Path) -> None:
    """As `cp` does: the same file with the bytes of another."""
    data = (words / "data.mdb").read_bytes()
    (words / "data.mdb").write_bytes(data)


def exchanged(words: Path) -> None:
    """As a writer does that renames a new file over the old one."""
    shutil.copy(words / "data.mdb", words / "new")
    os.replace(words / "new", words / "data.mdb")


def cut(words: Path) -> None:
    os.truncate(words / "data.mdb", 4096)


@pytest.mark.parametrize("change", [appended, replaced, overwritten, exchanged, cut])
def test_a_change_is_noticed_at_the_next_word_and_a_new_opening_sees_it(make_words, change: Callable[[Path], None]):
    path = make_words()
    words = WordLmdb(path)
    copy = pickle.loads(pickle.dumps(words))
    assert words[0].problem is None
    change(path)
    for read in (words.__getitem__, words.label, words.image_bytes, copy.__getitem__):
        with pytest.raises(DataError, match=r"was changed while it was read; .* begin anew") as error:
            read(0)
        assert str(path) in str(error.value) and "\n" not in str(error.value)
    if change is not cut:
        assert WordLmdb(path)[8].image is not None


def test_a_database_that_is_gone_is_named(make_words):
    path = make_words()
    words = WordLmdb(path)
    path.rename(path.with_name("elsewhere"))
    with pytest.raises(DataError, match=r"words has gone while it was read \(No such file or directory\); put it back"):
        words[0]
    path.with_name("elsewhere").rename(path)
    assert words[0].image is not None


def test_looking_at_a_database_is_no_change(make_words):
    path = make_words()
    words = WordLmdb(path)
    assert len(list(WordLmdb(path))) == 12
    os.chmod(path / "data.mdb", 0o444)
    shutil.copytree(path, path.with_name("copy"))
    assert len([word for word in words if word.image is not None]) == 12


def test_shards_of_two_states_of_the_words_are_not_joined_even_if_no_sampled_word_differs(
    tmp_path, make_words, make_record
):
    path = make_words(66)
    before = make_record(path)
    unsampled = min(set(range(1, 67)) - set(evenly_spaced(66, DIGEST_SAMPLES)))
    commit(path / "data.mdb", [(image_key(unsampled), picture(90))])
    after = make_record(path)
    assert before.source.digest == after.source.digest
    MaskStoreWriter.open(tmp_path / "masks", before, shard=(1, 2)).close()
    message = f"was made with source revision {before.source.revision}, not {after.source.revision}; choose another"
    with pytest.raises(DataError, match=message):
        MaskStoreWriter.open(tmp_path / "masks", after, shard=(2, 2))
    MaskStoreWriter.open(tmp_path / "other", after, shard=(2, 2)).close()
    (tmp_path / "other" / "shard-00002-of-00002").rename(tmp_path / "masks" / "shard-00002-of-00002")
    with pytest.raises(DataError, match=r"mixes shards: .* source revision"):
        MaskStore(tmp_path / "masks")

"""Databases of strangers: no number, record or page of them takes the process down, or passes unseen."""

from __future__ import annotations

from pathlib import Path

import hostile_lmdbs as hostile
import lmdb
import numpy as np
import pytest
from attacked import BYTES, answers, assert_refused, supervised_answers

from segrec.data.masks.record import MaskRecord, SegmenterRecord, SourceRecord
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import WordLmdb
from segrec.rendering.writing import render_words

COUNT = 30
TREES = 24


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "words"
    render_words(folder, COUNT, seed=5)
    return folder


@pytest.fixture
def store(words: Path, tmp_path: Path) -> Path:
    """Sealed masks, each of another grey."""
    database = WordLmdb(words)
    network = SegmenterRecord("net", "0" * 64)
    record = MaskRecord("predicted", SourceRecord.of(database), network, (32, None), (1, len(database)))
    with MaskStoreWriter.open(tmp_path / "store", record) as writer:
        writer.write(1, [np.full((32, 100), 8 * number, np.uint8) for number in range(COUNT)])
        writer.finish()
    return tmp_path / "store"


NUMBERS = {
    "ten to the twelfth": b"1000000000000",
    "eighteen nines": b"9" * 18,
    "5000 digits": b"9" * 5000,
    "just too many": b"10000",
    "none": b"",
    "negative": b"-3",
    "letters": b"many",
    "a superscript": "²".encode(),
    "control characters": b"\x1b[2J\x07",
}


def test_a_number_of_samples_that_cannot_be_gets_one_line_from_every_command(words: Path, tmp_path: Path):
    reading = ["train", "segmenter", "--words", words, "--reader", "crnn-slim-predicted", "--reading"]
    attempts = {}
    for name, value in NUMBERS.items():
        bad = hostile.put(hostile.copied(words, tmp_path / name), num_samples=value)
        attempts |= {
            f"info {name}": ["info", bad],
            f"eval {name}": ["eval", "--data", f"w={bad}", "--mask", "zero"],
            f"precompute {name}": ["precompute-masks", "--data", bad, "--output", tmp_path / "masks"],
            f"finetune {name}": ["finetune", "crnn", "--data", bad, "--mask", "zero", "--output", tmp_path / "run"],
            f"reading {name}": [*reading, bad, "--output", tmp_path / "run"],
            f"train {name}": ["train", "crnn", "--data", bad, "--output", tmp_path / "run"],
            f"read {name}": ["read", bad],
            f"render {name}": ["render", "corrupt", "--data", bad, "--output", tmp_path / "corrupted"],
        }
    assert_refused(answers("numbers of samples", attempts, tmp_path))


def test_a_record_of_a_mask_store_is_believed_in_nothing(store: Path, words: Path, tmp_path: Path):
    shard = "shard-00001-of-00001"
    records = {
        "nested 50,000 deep": b"[" * 50_000,
        "5000 digits": b'{"version": ' + b"9" * 5000 + b"}",
        "another type": b'{"version": "3"}',
        "no object": b"[]",
        "no UTF-8": b"\xff\xfe",
    }
    attempts = {}
    for name, record in records.items():
        bad = hostile.copied(store, tmp_path / name)
        hostile.put(bad / shard, record=record)
        attempts[f"record {name}"] = ["info", bad]
        attempts[f"eval {name}"] = ["eval", "--data", f"w={words}", "--masks", f"w={bad}", "--mask", "predicted"]
    for name, value in {"5000 digits": b"9" * 5000, "none": b"", "beyond": b"99"}.items():
        bad = hostile.copied(store, tmp_path / f"progress {name}")
        hostile.put(bad / shard, progress=value)
        attempts[f"progress {name}"] = ["info", bad]
    for name in ("shard-00000-of-00000", "shard-00000-of-00001", "shard-00002-of-00001"):
        bad = hostile.copied(store, tmp_path / name)
        (bad / shard).rename(bad / name)
        attempts[name] = ["info", bad]
    for key in (b"rendering", b"import"):
        bad = hostile.copied(words, tmp_path / f"words {key.decode()}")
        hostile.put(bad, **{key.decode(): b"[" * 50_000})
        attempts[f"words {key.decode()}"] = ["info", bad]
    found = answers("records", attempts, tmp_path)
    unread = [name for name in found if name.startswith("words") and found[name].code == 0]  # no key of these words
    assert_refused({name: answer for name, answer in found.items() if name not in unread})


def test_a_label_or_picture_of_hundreds_of_megabytes_is_one_bad_word(words: Path, tmp_path: Path):
    long = hostile.copied(words, tmp_path / "long")
    with lmdb.open(str(long), lock=False, map_size=1 << 30) as database, database.begin(write=True) as transaction:
        transaction.put(b"label-000000002", b"a" * 300_000_000)
        transaction.put(b"image-000000003", b"\x89PNG\r\n\x1a\n" + bytes(300_000_000))
    masks = tmp_path / "masks"
    attempts = {
        "info": ["info", long],
        "precompute": ["precompute-masks", "--data", long, "--output", masks, "--quiet"],
        "eval": ["eval", "--data", f"w={long}", "--mask", "zero", "--format", "json"],
        "read": ["read", long],
        "finetune": ["finetune", "crnn", "--data", long, "--mask", "zero", "--steps", 1, "--output", tmp_path / "run"],
    }
    found = answers("values of hundreds of megabytes", attempts, tmp_path)
    assert {name: answer.code for name, answer in found.items()} == {**dict.fromkeys(attempts, 0), "info": 1, "read": 1}
    assert all(answer.size < BYTES and "Traceback" not in answer.err for answer in found.values()), found
    assert "label-000000002 has 64,000,000 bytes" in found["info"].err


def test_a_mask_that_was_swapped_is_not_used(store: Path, words: Path, tmp_path: Path):
    shard = store / "shard-00001-of-00001"
    with lmdb.open(str(shard), lock=False) as database, database.begin() as transaction:
        first, last = (bytes(transaction.get(key)) for key in (b"mask-000000001", b"mask-000000030"))
    hostile.put(shard, **{"mask_000000001": last, "mask_000000030": first})
    asked = ["--masks", f"w={store}", "--mask", "predicted"]
    attempts = {
        "eval": ["eval", "--data", f"w={words}", *asked],
        "finetune": ["finetune", "crnn", "--data", words, "--masks", store, "--output", tmp_path / "run"],
    }
    found = answers("swapped masks", attempts, tmp_path)
    assert_refused(found)
    assert all("holds other masks than were written" in answer.err for answer in found.values())


def test_damaged_pages_end_no_command_without_a_line(words: Path, tmp_path: Path):
    """As the `segrec` program does it, in children, since pages may end the one that reads them; some do so here."""
    trees = hostile.changed_trees(words, tmp_path, TREES)
    trees["overflow"] = hostile.overflow_beyond_the_end(words, tmp_path / "overflow")
    found = supervised_answers(
        "damaged trees", {name: ["info", "--verify", tree] for name, tree in trees.items()}, tmp_path
    )
    for name, (code, said) in found.items():
        assert code in (0, 1) and said.count("\n") <= 3 and "Traceback" not in said, (name, code, said)
    ended = {name: said for name, (_, said) in found.items() if "reading was ended by" in said}
    assert ended
    assert all(str(trees[name]) in said and "copy it again" in said for name, said in ended.items())

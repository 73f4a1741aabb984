"""Data that is missing, damaged or of another kind: exit code 1, one line that says what and what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_words import contents, copy_words
from segrec_process import Outcome

from segrec.core.lmdb_io import commit
from segrec.data.masks.record import MaskRecord, SourceRecord
from segrec.data.masks.store import MaskStore
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import WordLmdb

PROGRESS = ("fine-tuning ", "training ", "no --masks named")


class Place(NamedTuple):
    """Good data, and a folder in which a case makes its bad data."""

    words: Path
    masks: Path
    folder: Path


def assert_one_line(outcome: Outcome, *said: str) -> None:
    lines = [line for line in outcome.err.splitlines() if not line.startswith(PROGRESS)]
    assert (outcome.code, outcome.out) == (1, ""), outcome
    assert len(lines) == 1 and lines[0].startswith("segrec: "), outcome.err
    assert [word for word in said if word not in lines[0]] == [], lines[0]


def missing(place: Place) -> Path:
    return place.folder / "missing"


def a_file(place: Place) -> Path:
    (place.folder / "file").write_text("no database")
    return place.folder / "file"


def empty_folder(place: Place) -> Path:
    (place.folder / "empty").mkdir()
    return place.folder / "empty"


def empty_file(place: Place) -> Path:
    path = empty_folder(place)
    (path / "data.mdb").write_bytes(b"")
    return path


def no_lmdb(place: Place) -> Path:
    path = empty_folder(place)
    (path / "data.mdb").write_bytes(b"this is text, and long enough to be read as a page. " * 400)
    return path


def without_count(place: Place) -> Path:
    path = empty_folder(place)
    commit(path / "data.mdb", [(b"image-000000001", b"x"), (b"label-000000001", b"y")])
    return path


def with_odd_count(place: Place) -> Path:
    path = empty_folder(place)
    commit(path / "data.mdb", [(b"num-samples", b"many")])
    return path


def without_words(place: Place) -> Path:
    path = empty_folder(place)
    commit(path / "data.mdb", [(b"num-samples", b"0")])
    return path


def truncated(place: Place) -> Path:
    path = copy_words(place.words, place.folder / "truncated", 40)
    data = (path / "data.mdb").read_bytes()
    (path / "data.mdb").write_bytes(data[: len(data) // 2])
    return path


BAD_WORDS: list[tuple[Callable[[Place], Path], list[str]]] = [
    (missing, ["does not exist", "check the path"]),
    (a_file, ["is a file, not an LMDB folder", "name the folder"]),
    (empty_folder, ["is not an LMDB folder", "check the path"]),
    (empty_file, ["data.mdb is empty", "again"]),
    (no_lmdb, ["is not a readable LMDB file", "again"]),
    (without_count, ["has no `num-samples`", "check the path"]),
    (with_odd_count, ["`num-samples` is b'many', expected a decimal number"]),
    (truncated, ["is cut short", "again"]),
]
COMMANDS = {
    "precompute": ["precompute-masks", "--data", "{data}", "--output", "{output}"],
    "finetune": ["finetune", "crnn", "--mask", "zero", "--data", "{data}", "--output", "{output}"],
    "eval": ["eval", "--data", "w={data}"],
    "train": ["train", "crnn", "--data", "{data}", "--output", "{output}"],
}


@pytest.fixture
def place(words, masks, tmp_path) -> Place:
    return Place(words, masks, tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("make", "said"), BAD_WORDS, ids=[make.__name__ for make, _ in BAD_WORDS])
def test_words_that_cannot_be_opened_are_named_with_a_remedy(segrec, place, command, make, said):
    data = make(place)
    before = contents(place.folder)
    places = {"data": str(data), "output": str(place.folder / "output")}
    assert_one_line(segrec(*[part.format(**places) for part in COMMANDS[command]]), str(data), *said)
    left = contents(place.folder)
    assert {name: left[name] for name in before} == before


@pytest.mark.parametrize("command", ["precompute", "finetune", "train"])
def test_a_database_without_words_has_nothing_to_work_on(segrec, place, command):
    places = {"data": str(without_words(place)), "output": str(place.folder / "output")}
    assert_one_line(segrec(*[part.format(**places) for part in COMMANDS[command]]), "no words")


def of_other_words(place: Place) -> Path:
    other = copy_words(place.words, place.folder / "other", 40, images={1: WordLmdb(place.words).image_bytes(1) or b""})
    record = MaskRecord(
        "predicted", SourceRecord.of(WordLmdb(other)), MaskStore(place.masks).record.segmenter, (32, None), (1, 40)
    )
    with MaskStoreWriter.open(place.folder / "store", record) as writer:
        writer.write(1, [MaskStore(place.masks)[index] for index in range(40)])
    return place.folder / "store"


def of_fewer_words(place: Place) -> Path:
    other = copy_words(place.words, place.folder / "other", 12)
    record = MaskRecord("predicted", SourceRecord.of(WordLmdb(other)), None, (32, None), (1, 12))
    with MaskStoreWriter.open(place.folder / "store", record) as writer:
        writer.write(1, [MaskStore(place.masks)[index] for index in range(12)])
    return place.folder / "store"


def incomplete(place: Place) -> Path:
    with MaskStoreWriter.open(place.folder / "store", MaskStore(place.masks).record) as writer:
        writer.write(1, [MaskStore(place.masks)[index] for index in range(7)])
    return place.folder / "store"


def exact(place: Place) -> Path:
    return place.words / "oracle"


def a_database(place: Place) -> Path:
    return place.words


def with_a_cut_shard(place: Place) -> Path:
    shutil.copytree(place.masks, place.folder / "store")
    shard = place.folder / "store" / "shard-00001-of-00001" / "data.mdb"
    shard.write_bytes(shard.read_bytes()[:9000])
    return place.folder / "store"


BAD_STORES: list[tuple[Callable[[Place], Path], list[str]]] = [
    (missing, ["does not exist", "precompute-masks"]),
    (empty_folder, ["is not a mask store", "precompute-masks"]),
    (a_database, ["is a database, not a mask store", "precompute-masks"]),
    (of_other_words, ["has other content", "run segrec precompute-masks again"]),
    (of_fewer_words, ["was made from other", "12 samples", "has 40", "run segrec precompute-masks again"]),
    (incomplete, ["is unfinished: 7 of 40 masks, shard 1/1 lacks masks 8..40; run", "--shard 1/1"]),
    (exact, ["holds oracle masks"]),
    (with_a_cut_shard, ["is cut short", "again"]),
]


@pytest.mark.parametrize(("make", "said"), BAD_STORES, ids=[make.__name__ for make, _ in BAD_STORES])
def test_a_mask_store_that_does_not_fit_is_refused_before_training(segrec, place, make, said):
    store = make(place)
    before = contents(place.folder)
    run = ["--output", place.folder / "run", "--steps", "1"]
    assert_one_line(segrec("finetune", "crnn", "--data", place.words, "--masks", store, *run), *said)
    left = contents(place.folder)
    assert {name: left[name] for name in before} == before
    assert not (place.folder / "run" / "state.pt").exists()


@pytest.mark.parametrize(
    ("make", "said"),
    [case for case in BAD_STORES if case[0] is not exact],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_mask_store_that_does_not_fit_is_refused_by_an_evaluation(segrec, place, make, said):
    asked = ["--data", f"w={place.words}", "--masks", f"w={make(place)}", "--mask", "predicted"]
    assert_one_line(segrec("eval", *asked), *said)


def test_a_store_of_the_first_words_only_does_not_do_for_all(segrec, place):
    store = place.folder / "store"
    assert segrec("precompute-masks", "--data", place.words, "--output", store, "--limit", "5").code == 0
    asked = ["--data", f"w={place.words}", "--masks", f"w={store}", "--mask", "predicted"]
    assert_one_line(segrec("eval", *asked), "covers images 1 to 5", "--limit")
    assert segrec("eval", *asked, "--limit", "5").code == 0
    run = ["--data", place.words, "--masks", store, "--output", place.folder / "run", "--steps", "4", "--workers", "1"]
    assert_one_line(segrec("finetune", "crnn", *run), "covers images 1 to 5", "--limit")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--limit", "5"], "span"),
        (["--shard", "1/2"], "cut into 1 shards"),
        (["--data", "{other}"], "source"),
        (["--segmenter", "{weights}"], "segmenter"),
    ],
)
def test_a_store_is_not_mixed_with_masks_of_something_else(segrec, place, change, said):
    from segmenter.loading import load_segmenter, save_segmenter
    from segrec.weights import SEGMENTER, resolve_weights

    model = load_segmenter(resolve_weights(SEGMENTER))
    next(model.parameters()).data += 1
    save_segmenter(place.folder / "weights.safetensors", model)
    other = copy_words(place.words, place.folder / "other", 9)
    store = shutil.copytree(place.masks, place.folder / "store")
    before = contents(store)
    change = [part.format(other=other, weights=place.folder / "weights.safetensors") for part in change]
    outcome = segrec("precompute-masks", "--data", place.words, "--output", store, *change)
    assert_one_line(outcome, said, "choose another output")
    assert contents(store) == before


def test_a_damaged_image_in_the_middle_stops_nothing_and_is_counted(segrec, place):
    data = copy_words(place.words, place.folder / "damaged", 12, images={6: b"", 7: b"\xff\xd8\xff no jpeg"})
    code, out, err = segrec("precompute-masks", "--data", data, "--output", place.folder / "store")
    assert code == 0 and "12 masks (12 new, 2 without an image)" in out and "2 words" in err
    assert [index for index in range(12) if MaskStore(place.folder / "store")[index] is None] == [5, 6]
    run = ["--output", place.folder / "run", "--steps", "3", "--batch-size", "4", "--workers", "0"]
    assert segrec("finetune", "crnn", "--data", data, "--masks", place.folder / "store", *run).code == 0

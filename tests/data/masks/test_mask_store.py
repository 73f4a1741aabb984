"""Mask stores: what goes in comes out, and what does not fit is refused in words."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import lmdb
import numpy as np
import pytest

from segrec.core.errors import DataError
from segrec.core.lmdb_io import close_environment, commit
from segrec.data.masks.record import MaskRecord, shard_span
from segrec.data.masks.store import MaskStore
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import WordLmdb


def mask(index: int) -> np.ndarray:
    """Return a mask in the codec's own levels, so that it comes back exactly."""
    return np.random.default_rng(index).integers(0, 16, (8, 16 + index % 5), dtype=np.uint8) * np.uint8(17)


def write_store(path: Path, record: MaskRecord, shard=(1, 1), until: int | None = None, chunk: int = 4) -> None:
    with MaskStoreWriter.open(path, record, shard=shard) as writer:
        last = writer.span[1] if until is None else until
        while writer.next_index <= last:
            first = writer.next_index
            writer.write(first, [mask(index) for index in range(first, min(first + chunk, last + 1))])


def one_line(error: pytest.ExceptionInfo[DataError]) -> str:
    message = str(error.value)
    assert message and "\n" not in message
    return message


def test_masks_come_back_by_position_and_unreadable_images_as_none(tmp_path, make_words, make_record):
    with MaskStoreWriter.open(tmp_path / "masks", make_record(make_words(5))) as writer:
        assert (writer.next_index, writer.span, writer.complete) == (1, (1, 5), False)
        writer.write(1, [mask(1), None, mask(3)])
        writer.write(4, [mask(4), mask(5)])
        assert writer.complete
        writer.finish()
    store = MaskStore(tmp_path / "masks")
    assert (len(store), store.done, store.complete, store.missing) == (5, 5, True, [])
    for position, expected in enumerate([mask(1), None, mask(3), mask(4), mask(5)]):
        found = store[position]
        assert (found is None) == (expected is None)
        if expected is not None:
            assert found.dtype == np.uint8 and np.array_equal(found, expected)
    store.require_complete()


def test_the_store_holds_the_published_keys_and_no_lock_file(tmp_path, make_words, make_record):
    write_store(tmp_path / "masks", make_record(make_words(3)))
    folder = tmp_path / "masks" / "shard-00001-of-00001"
    assert os.listdir(tmp_path / "masks") == [folder.name] and os.listdir(folder) == ["data.mdb"]
    environment = lmdb.open(str(folder), readonly=True, lock=False)
    with environment.begin() as transaction:
        found = dict(transaction.cursor())
    environment.close()
    assert sorted(found) == [b"mask-000000001", b"mask-000000002", b"mask-000000003", b"progress", b"record", b"seal"]
    assert found[b"progress"] == b"3"
    record = json.loads(found[b"record"])
    assert sorted(record) == ["codec", "input_size", "kind", "mask_size", "segmenter", "source", "span", "version"]
    assert (record["source"]["name"], record["source"]["num_samples"], record["span"]) == ("words", 3, [1, 3])


def test_the_record_survives_the_store(tmp_path, make_words, make_record):
    record = make_record(make_words(3))
    for name, kept in [("masks", record), ("oracle", replace(record, kind="oracle", segmenter=None))]:
        write_store(tmp_path / name, kept)
        assert MaskStore(tmp_path / name).record == kept


@pytest.mark.parametrize("count", [1, 3, 7])
def test_shards_together_are_the_whole_store(tmp_path, make_words, make_record, count):
    record = make_record(make_words(5))
    for number in range(1, count + 1):
        write_store(tmp_path / "masks", record, shard=(number, count), chunk=2)
    store = MaskStore(tmp_path / "masks")
    assert store.complete and store.done == 5
    assert all(np.array_equal(store[position], mask(position + 1)) for position in range(5))


def test_shard_spans_tile_the_span_evenly():
    for length in range(1, 12):
        for count in range(1, 15):
            spans = [shard_span((3, 2 + length), (number, count)) for number in range(1, count + 1)]
            indices = [index for first, last in spans for index in range(first, last + 1)]
            sizes = [last - first + 1 for first, last in spans]
            assert indices == list(range(3, 3 + length)) and max(sizes) - min(sizes) <= 1
    with pytest.raises(ValueError, match=r"1 <= number <= count, got \(3, 2\)"):
        shard_span((1, 10), (3, 2))


def test_an_unfinished_store_names_what_is_missing(tmp_path, make_words, make_record):
    record = make_record(make_words(12))
    write_store(tmp_path / "masks", record, shard=(1, 3))
    write_store(tmp_path / "masks", record, shard=(2, 3), until=6)
    store = MaskStore(tmp_path / "masks")
    assert (store.done, len(store), store.complete, store.missing) == (6, 12, False, [(7, 8), (9, 12)])
    assert np.array_equal(store[5], mask(6))
    missing = "shard 2/3 lacks masks 7..8, shard 3/3 lacks masks 9..12"
    command = f"run segrec precompute-masks --data {tmp_path}/words --output {tmp_path}/masks --shard 2/3, --shard 3/3"
    with pytest.raises(DataError) as error:
        store[6]
    assert one_line(error) == f"{tmp_path}/masks has no mask for image 7 yet: {missing}; {command}"
    with pytest.raises(DataError) as error:
        store.require_complete()
    assert one_line(error) == f"{tmp_path}/masks is unfinished: 6 of 12 masks, {missing}; {command}"


def test_the_command_that_finishes_a_store_repeats_its_limit_and_quotes_its_paths(tmp_path, make_words, make_record):
    record = make_record(make_words(12, "my words"), span=(1, 10))
    write_store(tmp_path / "masks", record, shard=(1, 10))
    with pytest.raises(DataError) as error:
        MaskStore(tmp_path / "masks").require_complete()
    assert "shard 2/10 lacks masks 2..2, shard 3/10 lacks masks 3..3," in one_line(error)
    assert "lacks masks 5..5 and 5 more shards; run" in one_line(error)
    assert f"--data '{tmp_path}/my words' --output {tmp_path}/masks --limit 10 --shard 2/10, --shard" in one_line(error)
    write_store(tmp_path / "oracle", replace(record, kind="oracle", segmenter=None), until=3)
    with pytest.raises(DataError, match=r"shard 1/1 lacks masks 4\.\.10; render the words again$"):
        MaskStore(tmp_path / "oracle").require_complete()


def test_an_image_outside_the_span_is_refused(tmp_path, make_words, make_record):
    write_store(tmp_path / "masks", make_record(make_words(12), span=(1, 4)))
    store = MaskStore(tmp_path / "masks")
    assert len(store) == 4 and store.complete
    for position in (4, -1):
        with pytest.raises(DataError, match=f"covers images 1 to 4, not {position + 1};"):
            store[position]


def test_a_store_of_other_words_is_refused_and_a_moved_source_is_not(tmp_path, make_words, make_record):
    words = make_words(6)
    write_store(tmp_path / "masks", make_record(words))
    store = MaskStore(tmp_path / "masks")
    words.rename(tmp_path / "moved")
    store.check_source(WordLmdb(tmp_path / "moved"))
    with pytest.raises(DataError, match=r"made from words .* 6 samples\), but .*longer has 7;") as error:
        store.check_source(WordLmdb(make_words(7, "longer")))
    one_line(error)
    with pytest.raises(DataError, match=r"other has other content; run segrec precompute-masks again") as error:
        store.check_source(WordLmdb(make_words(6, "other", first=1)))
    one_line(error)


def test_writing_on_with_another_record_is_refused_with_the_difference_named(tmp_path, make_words, make_record):
    words = make_words(6)
    record = make_record(words)
    write_store(tmp_path / "masks", record, until=4)
    other_words = make_record(make_words(6, "other", first=1))
    for other, difference in [
        (make_record(make_words(7, "longer")), "number of source samples 6, not 7"),
        (other_words, f"source digest {record.source.digest[:12]}, not {other_words.source.digest[:12]}"),
        (make_record(words, weights="b" * 64), "segmenter mgnet-slim (aaaaaaaaaaaa), not mgnet-slim (bbbbbbbbbbbb)"),
        (make_record(words, span=(1, 5)), "span (1, 6), not (1, 5)"),
        (replace(record, input_size=(32, None)), "input size (64, None), not (32, None)"),
        (replace(record, mask_size="working"), "mask size crop, not working"),
        (replace(record, kind="oracle", segmenter=None), "segmenter mgnet-slim (aaaaaaaaaaaa), not none"),
    ]:
        with pytest.raises(DataError) as error:
            MaskStoreWriter.open(tmp_path / "masks", other)
        assert f"was made with {difference}; choose another output" in one_line(error)
    with pytest.raises(DataError, match="is cut into 1 shards, not 2"):
        MaskStoreWriter.open(tmp_path / "masks", record, shard=(1, 2))
    assert MaskStore(tmp_path / "masks").done == 4


def test_a_moved_source_may_be_continued(tmp_path, make_words, make_record):
    words = make_words(6)
    write_store(tmp_path / "masks", make_record(words), until=4)
    words.rename(tmp_path / "moved")
    write_store(tmp_path / "masks", make_record(tmp_path / "moved"))
    assert MaskStore(tmp_path / "masks").complete


def test_a_second_writer_of_a_shard_is_refused_and_of_another_shard_is_not(tmp_path, make_words, make_record):
    record = make_record(make_words(6))
    with MaskStoreWriter.open(tmp_path / "masks", record, shard=(1, 2)) as writer:
        with pytest.raises(DataError, match="is being written by another process") as error:
            MaskStoreWriter.open(tmp_path / "masks", record, shard=(1, 2))
        one_line(error)
        write_store(tmp_path / "masks", record, shard=(2, 2))
        writer.write(1, [mask(1)])
    write_store(tmp_path / "masks", record, shard=(1, 2))
    assert MaskStore(tmp_path / "masks").complete


def test_a_writer_takes_masks_only_in_order_and_within_its_span(tmp_path, make_words, make_record):
    with MaskStoreWriter.open(tmp_path / "masks", make_record(make_words(4))) as writer:
        for first, count in [(2, 1), (0, 1), (1, 5)]:
            with pytest.raises(ValueError, match="masks must continue at 1 and end by 4"):
                writer.write(first, [mask(1)] * count)
        for wrong in [mask(1)[None], mask(1).astype(np.float32)]:
            with pytest.raises(ValueError, match=r"must be \(H, W\) uint8 .*, got"):
                writer.write(1, [wrong])
        assert writer.next_index == 1
        writer.write(1, [mask(1)])
        with pytest.raises(ValueError, match=r"lacks masks 2\.\.4"):
            writer.finish()
    with pytest.raises(ValueError, match="is closed"):
        writer.write(2, [mask(2)])


def test_what_is_no_mask_store_is_refused_in_one_line(tmp_path, make_words, make_record):
    (tmp_path / "empty").mkdir()
    (tmp_path / "begun" / "shard-00001-of-00002").mkdir(parents=True)
    for path, words in [
        (tmp_path / "nothing", "does not exist"),
        (tmp_path / "empty", "is not a mask store: it holds no shard folders"),
        (make_words(3), "is a database, not a mask store"),
        (tmp_path / "begun", "holds no masks yet"),
    ]:
        with pytest.raises(DataError) as error:
            MaskStore(path)
        assert words in one_line(error) and "segrec precompute-masks" in str(error.value)
    with pytest.raises(DataError, match="is a database, not a mask store; choose another output"):
        MaskStoreWriter.open(tmp_path / "words", make_record(tmp_path / "words"))
    assert os.listdir(tmp_path / "words") == ["data.mdb"]


def test_mixed_shards_are_refused(tmp_path, make_words, make_record):
    words = make_words(6)
    write_store(tmp_path / "masks", make_record(words), shard=(1, 2))
    write_store(tmp_path / "other", make_record(words, weights="b" * 64), shard=(2, 2))
    (tmp_path / "other" / "shard-00002-of-00002").rename(tmp_path / "masks" / "shard-00002-of-00002")
    with pytest.raises(
        DataError, match=r"mixes shards: shard-00001-of-00002 has .*aaaa.*, not .*bbbb.* as shard-00002"
    ) as error:
        MaskStore(tmp_path / "masks")
    one_line(error)
    write_store(tmp_path / "third", make_record(words), shard=(1, 1))
    (tmp_path / "third" / "shard-00001-of-00001").rename(tmp_path / "masks" / "shard-00001-of-00001")
    with pytest.raises(DataError, match="mixes shard 1/1 with shard 1/2, 2/2; keep those of one count and delete"):
        MaskStore(tmp_path / "masks")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (b"record", b"{}", "record is damaged"),
        (b"record", b"\xff", "record is damaged"),
        (b"progress", b"much", "damaged progress"),
        (b"progress", b"99", "damaged progress"),
        (b"mask-000000002", b"no png", "mask cannot be decoded"),
    ],
)
def test_a_damaged_store_is_a_data_error(tmp_path, make_words, make_record, key, value, words):
    write_store(tmp_path / "masks", make_record(make_words(3)))
    commit(tmp_path / "masks" / "shard-00001-of-00001" / "data.mdb", [(key, value)])
    with pytest.raises(DataError, match=words) as error:
        MaskStore(tmp_path / "masks")[1]
    one_line(error)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("codec", ["png16"]),
        ("input_size", [32]),
        ("span", ["1", "3"]),
        ("span", [3, 1]),
        ("span", [1, 4]),
        ("kind", 0),
        ("mask_size", "large"),
    ],
)
def test_a_record_of_impossible_values_is_a_data_error(tmp_path, make_words, make_record, name, value):
    content = json.loads(make_record(make_words(3)).to_json())
    with pytest.raises(DataError, match="record is damaged") as error:
        MaskRecord.from_json(json.dumps({**content, name: value}).encode(), tmp_path)
    one_line(error)


def test_a_store_of_a_newer_version_asks_for_an_update(tmp_path, make_words, make_record):
    with pytest.raises(DataError, match=r"written by a newer segrec \(version 5\); update segrec"):
        write_store(tmp_path / "masks", replace(make_record(make_words(3)), version=5))
    with pytest.raises(DataError, match=r"written by a newer segrec \(version 5\); update segrec"):
        MaskStore(tmp_path / "masks")


def test_a_truncated_shard_is_refused_by_reader_and_writer(tmp_path, make_words, make_record):
    record = make_record(make_words(12))
    write_store(tmp_path / "masks", record)
    data = tmp_path / "masks" / "shard-00001-of-00001" / "data.mdb"
    close_environment(data.parent)
    with open(data, "r+b") as handle:
        handle.truncate(data.stat().st_size // 2)
    for attempt in (lambda: MaskStore(tmp_path / "masks"), lambda: MaskStoreWriter.open(tmp_path / "masks", record)):
        with pytest.raises(DataError, match="is cut short") as error:
            attempt()
        one_line(error)


def test_a_store_is_read_in_a_forked_child_and_after_pickling(tmp_path, make_words, make_record):
    write_store(tmp_path / "masks", make_record(make_words(6)), shard=(1, 2))
    write_store(tmp_path / "masks", make_record(tmp_path / "words"), shard=(2, 2))
    store = MaskStore(tmp_path / "masks")
    assert np.array_equal(pickle.loads(pickle.dumps(store))[4], mask(5))
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(store[4], mask(5)) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(store[0], mask(1))


def test_a_store_can_be_read_while_it_is_written(tmp_path, make_words, make_record):
    with MaskStoreWriter.open(tmp_path / "masks", make_record(make_words(6))) as writer:
        writer.write(1, [mask(1), mask(2)])
        early = MaskStore(tmp_path / "masks")
        writer.write(3, [mask(3)])
        assert early.done == 2 and MaskStore(tmp_path / "masks").done == 3
        assert np.array_equal(early[0], mask(1))


def test_a_mask_without_pixels_is_refused(tmp_path, make_words, make_record):
    with (
        MaskStoreWriter.open(tmp_path / "masks", make_record(make_words(4))) as writer,
        pytest.raises(ValueError, match=r"must be \(H, W\) uint8 with H and W at least 1, got \(0, 5\)"),
    ):
        writer.write(1, [np.zeros((0, 5), np.uint8)])

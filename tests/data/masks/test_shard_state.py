"""A shard's digest grows with its masks, adds up over shards, and gives away what was altered."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segrec.core.errors import DataError
from segrec.core.lmdb_io import LmdbReader, commit
from segrec.data.masks.record import MaskRecord
from segrec.data.masks.shard_state import add_digests, digest_of, in_words, mask_key, recomputed_digest
from segrec.data.masks.store import MaskStore
from segrec.data.masks.writer import MaskStoreWriter


def write(path: Path, record: MaskRecord, *, shard: tuple[int, int] = (1, 1), chunk: int = 4) -> Path:
    """Write one shard and return its folder; image 2 is unreadable."""
    with MaskStoreWriter.open(path, record, shard=shard) as writer:
        while not writer.complete:
            indices = range(writer.next_index, min(writer.next_index + chunk, writer.span[1] + 1))
            masks = [None if index == 2 else np.full((3, 4), 17 * (index % 16), np.uint8) for index in indices]
            writer.write(indices[0], masks)
        return writer.folder


def test_the_digest_is_the_sum_of_the_hashes_of_keys_and_values():
    masks = [(mask_key(1), b"first"), (mask_key(2), b"")]
    first = hashlib.sha256(b"mask-000000001\nfirst").hexdigest()
    second = hashlib.sha256(b"mask-000000002\n").hexdigest()
    assert digest_of(masks) == (int(first, 16) + int(second, 16)) % 2**256
    assert digest_of([]) == 0 and in_words(10) == "0" * 63 + "a"
    assert digest_of([(mask_key(1), b""), (mask_key(2), b"first")]) != digest_of(masks)


def test_masks_have_one_digest_however_they_are_cut_into_writes_and_shards(tmp_path, make_words, make_record):
    record, digests = make_record(make_words(11)), set()
    for count, chunk in [(1, 4), (1, 11), (2, 3), (3, 2), (13, 1)]:
        path = tmp_path / f"{count}-{chunk}"
        for number in range(1, count + 1):
            write(path, record, shard=(number, count), chunk=chunk)
        shards = MaskStore(path).shards
        assert all(shard.digest == recomputed_digest(shard.folder, shard.first, shard.last) for shard in shards)
        digests.add(add_digests(shard.digest for shard in shards))
    assert len(digests) == 1 and digests != {0}


def test_a_mask_altered_swapped_or_lost_changes_the_digest(tmp_path, make_words, make_record):
    record = make_record(make_words(5))
    for name, change in [
        ("altered", lambda values: {mask_key(3): values[3]}),
        ("swapped", lambda values: {mask_key(3): values[4], mask_key(4): values[3]}),
        ("emptied", lambda values: {mask_key(5): b""}),
    ]:
        folder = write(tmp_path / name, record)
        values = {index: LmdbReader(folder).get(mask_key(index)) or b"" for index in (3, 4)}
        values[3] = values[3] if name != "altered" else values[3][:-20] + b"?" + values[3][-19:]
        commit(folder / "data.mdb", list(change(values).items()))
        assert recomputed_digest(folder, 1, 5) != MaskStore(tmp_path / name).shards[0].digest
    with pytest.raises(DataError, match="has lost mask-000000006; delete this folder"):
        recomputed_digest(folder, 1, 6)


@pytest.mark.parametrize(
    ("key", "change", "words"),
    [
        (b"progress", lambda value: b"4", "its record, progress or seal was altered"),
        (b"progress", lambda value: b"05", "its record, progress or seal was altered"),
        (b"record", lambda value: value.replace(b'"words"', b'"wards"'), "its record, progress or seal"),
        (b"record", lambda value: value.replace(b'"version": 4', b'"version": 1'), "its record, progress or seal"),
        (b"seal", lambda value: b"0" + value[1:], "its record, progress or seal was altered"),
        (b"seal", lambda value: value[:-1] + b"?", "its record, progress or seal was altered"),
        (b"seal", lambda value: b"", "its record, progress or seal was altered"),
        (b"progress", lambda value: b"-1", r"damaged progress b'-1'; delete this folder"),
    ],
)
def test_altered_claims_are_refused_by_reader_and_writer(tmp_path, make_words, make_record, key, change, words):
    record = make_record(make_words(5))
    folder = write(tmp_path / "masks", record)
    commit(folder / "data.mdb", [(key, change(LmdbReader(folder).get(key)))])
    for attempt in (lambda: MaskStore(tmp_path / "masks"), lambda: write(tmp_path / "masks", record)):
        with pytest.raises(DataError, match=words) as error:
            attempt()
        assert "\n" not in str(error.value)


def test_a_shard_of_the_first_version_is_read_and_finished_as_it_is(tmp_path, make_words, make_record):
    record = make_record(make_words(6))
    folder = tmp_path / "masks" / "shard-00001-of-00001"
    folder.mkdir(parents=True)
    commit(folder / "data.mdb", [(b"record", replace(record, version=1).to_json()), (b"progress", b"0")])
    write(tmp_path / "masks", record)
    store = MaskStore(tmp_path / "masks")
    assert (store.complete, store.record.version, store.shards[0].digest) == (True, 1, None)
    assert LmdbReader(folder).get(b"seal") is None

"""A mask store that was killed while being written ends, after another run, in the bytes of a quiet run."""

from __future__ import annotations

import os
import pickle
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from forked import Forked

from segrec.core.errors import DataError
from segrec.core.lmdb_io import LmdbReader
from segrec.data.masks.store import MaskStore
from segrec.data.masks.writer import MaskStoreWriter

COUNT, CHUNK = 640, 4
BEGUN = "begun\n"


def write_masks(store: Path, record: Path) -> None:
    """Write the whole store, or what is missing of it, a chunk at a time."""
    print("begun", flush=True)
    try:
        with MaskStoreWriter.open(store, pickle.loads(record.read_bytes())) as writer:
            while not writer.complete:
                first = writer.next_index
                masks: list[np.ndarray | None] = []
                for index in range(first, min(first + CHUNK, writer.span[1] + 1)):
                    rng = np.random.default_rng(index)
                    height, width = rng.integers(1, 60, 2)
                    masks.append(None if index % 31 == 0 else rng.integers(0, 256, (height, width), dtype=np.uint8))
                writer.write(first, masks)
            writer.finish()
    except DataError as error:
        sys.exit(str(error))


def start(store: Path, record: Path, room: int = 0) -> Forked:
    """Start a writing run and wait until it is about to open the store."""
    log = store.with_suffix(".log")
    log.unlink(missing_ok=True)
    run = Forked(write_masks, store, record, log=log, room=room)
    run.wait_until(lambda: run.said().startswith(BEGUN))
    return run


@pytest.fixture
def record(tmp_path, make_words, make_record) -> Path:
    (tmp_path / "record.pickle").write_bytes(pickle.dumps(make_record(make_words(COUNT))))
    return tmp_path / "record.pickle"


def data_of(store: Path) -> bytes:
    folder = store / "shard-00001-of-00001"
    assert os.listdir(folder) == ["data.mdb"]
    return (folder / "data.mdb").read_bytes()


def progress_of(store: Path) -> int:
    return MaskStore(store).done if (store / "shard-00001-of-00001" / "data.mdb").exists() else 0


def kill_during(run: Forked, store: Path, progress: int, delay: float) -> int:
    """Kill `run` a moment after it has stored `progress` masks; return how many it then had stored."""
    run.wait_until(lambda: progress_of(store) >= progress)
    time.sleep(delay)
    run.send(signal.SIGKILL)
    return progress_of(store)


def write_undisturbed(store: Path, record: Path) -> None:
    run = start(store, record)
    assert (run.join(), run.said()) == (0, BEGUN)


def test_a_store_killed_again_and_again_equals_an_uninterrupted_one(tmp_path, record):
    write_undisturbed(tmp_path / "quiet", record)

    moments = random.Random(0)
    reached = []
    for progress in [0, 0, 1, *sorted(moments.randrange(COUNT * 3 // 4) for _ in range(4))]:
        run = start(tmp_path / "killed", record)
        reached.append(kill_during(run, tmp_path / "killed", progress, moments.uniform(0, 0.006)))
    write_undisturbed(tmp_path / "killed", record)

    assert len({done for done in reached if 0 < done < COUNT}) >= 2
    assert data_of(tmp_path / "killed") == data_of(tmp_path / "quiet")
    assert MaskStore(tmp_path / "killed").complete


def test_a_commit_that_breaks_off_half_written_leaves_no_trace(tmp_path, record):
    write_undisturbed(tmp_path / "quiet", record)
    whole = len(data_of(tmp_path / "quiet"))
    for limit in [5_000, 9_000, whole // 3, whole // 2 + 4096 * 3, whole - 4096]:
        broken = start(tmp_path / "broken", record, limit)
        assert broken.join() == 1
        message = broken.said().removeprefix(BEGUN)
        assert message.count("\n") == 1
        assert "free space or choose another output" in message
    assert 0 < progress_of(tmp_path / "broken") < COUNT
    write_undisturbed(tmp_path / "broken", record)
    assert data_of(tmp_path / "broken") == data_of(tmp_path / "quiet")


def test_a_finished_store_is_left_alone_by_another_run(tmp_path, record):
    for _ in range(2):
        write_undisturbed(tmp_path / "masks", record)
        first = data_of(tmp_path / "masks")
        modified = (tmp_path / "masks" / "shard-00001-of-00001" / "data.mdb").stat().st_mtime_ns
    write_undisturbed(tmp_path / "masks", record)
    assert data_of(tmp_path / "masks") == first
    assert (tmp_path / "masks" / "shard-00001-of-00001" / "data.mdb").stat().st_mtime_ns == modified


def test_a_store_that_another_process_writes_is_refused_and_free_again_once_that_is_killed(tmp_path, record):
    run = start(tmp_path / "masks", record)
    data = tmp_path / "masks" / "shard-00001-of-00001" / "data.mdb"
    run.wait_until(data.exists)
    run.stop()
    try:
        with pytest.raises(DataError, match="is being written by another process; wait for it") as error:
            MaskStoreWriter.open(tmp_path / "masks", pickle.loads(record.read_bytes()))
        assert "\n" not in str(error.value)
    finally:
        run.send(signal.SIGKILL)
    before = int(LmdbReader(data.parent).get(b"progress") or b"")
    with MaskStoreWriter.open(tmp_path / "masks", pickle.loads(record.read_bytes())) as writer:
        assert writer.next_index == before + 1

"""Whatever goes wrong around `precompute-masks`: one line, a store that holds what it claims, and a rerun that ends it.

Kills and full disks are in `test_cli_crash.py` and `test_cli_full_disk.py`, odd pictures in
`tests/scripts/test_odd_pictures.py`, long trials in `scripts/chaos.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_words import contents, copy_words
from segrec_process import Outcome
from unprivileged import bound_by_permissions

from segrec.core.lmdb_io import commit
from segrec.data.masks import writer as mask_writer
from segrec.data.masks.record import SourceRecord
from segrec.data.masks.shard_state import mask_key
from segrec.data.masks.store import MaskStore
from segrec.data.words import DIGEST_SAMPLES, WordLmdb, evenly_spaced
from segrec.jobs import precompute

COUNT, CHUNK = 72, 12
UNSAMPLED = min(set(range(COUNT // 2, COUNT)) - set(evenly_spaced(COUNT, DIGEST_SAMPLES)))
"""1-based; a word that the database's digest does not look at."""
SHARD = "shard-00001-of-00001"
PUT = """
import lmdb, sys
path, *pairs = sys.argv[1:]
with lmdb.open(path, lock=False, map_size=1 << 26) as environment, environment.begin(write=True) as transaction:
    for key, file in zip(pairs[::2], pairs[1::2]):
        transaction.put(key.encode(), open(file, "rb").read())
"""
Run = Callable[[], Outcome]


@pytest.fixture
def data(words: Path, tmp_path: Path) -> Path:
    return copy_words(words, tmp_path / "data", COUNT)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(scope="module")
def thin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from segmenter.loading import save_segmenter
    from segmenter.network import MutuallyGuidedNet

    path = tmp_path_factory.mktemp("weights") / "thin.safetensors"
    save_segmenter(path, MutuallyGuidedNet(width=2, working_height=16))
    return path


@pytest.fixture
def run(segrec, data, store, thin, monkeypatch) -> Run:
    """The command over `data` into `store`, in chunks of `CHUNK` words."""
    opened = precompute.open_segmenter(thin, device="cpu")
    monkeypatch.setattr(precompute, "open_segmenter", lambda *weights, **options: opened)  # once for several runs
    monkeypatch.setattr(precompute, "CHUNK", CHUNK)
    return lambda: segrec("precompute-masks", "--data", data, "--output", store, "--quiet")


@pytest.fixture
def after_two_writes(monkeypatch) -> Callable[[Callable[[], None]], None]:
    """Lets something happen once, when the second chunk of masks has been stored."""

    def arrange(happen: Callable[[], None]) -> None:
        def committed(file: Path, items: list[tuple[bytes, bytes]]) -> None:
            commit(file, items)
            if mask_key(1 + CHUNK) in dict(items):
                monkeypatch.setattr(mask_writer, "commit", commit)
                happen()

        monkeypatch.setattr(mask_writer, "commit", committed)

    return arrange


def put(data: Path, **values: bytes) -> None:
    """Write to the database from another process, as another program would."""
    pairs = []
    for number, (key, value) in enumerate(values.items()):
        (data.parent / f"value{number}").write_bytes(value)
        pairs += [key.replace("_", "-"), str(data.parent / f"value{number}")]
    subprocess.run([sys.executable, "-c", PUT, str(data), *pairs], check=True)


def image(data: Path, index: int) -> bytes:
    return WordLmdb(data).image_bytes(index - 1) or b""


def assert_holds(store: Path, quiet: Path, least: int) -> None:
    """Check that the store holds at least so many masks, and each that it claims as the undisturbed one has it."""
    found, whole = MaskStore(store), MaskStore(quiet)
    assert least <= found.done < COUNT
    for position in range(found.done):
        assert np.array_equal(found[position], whole[position])


def assert_refused(outcome: Outcome, *said: str) -> None:
    assert (outcome.code, outcome.out) == (1, ""), outcome
    assert outcome.err.startswith("segrec: ") and outcome.err.count("\n") == 1, outcome.err
    assert [word for word in said if word not in outcome.err] == [], outcome.err


def appended(data: Path) -> None:
    put(data, image_000000073=image(data, 1), label_000000073=b"more", num_samples=b"73")


def replaced(data: Path) -> None:
    put(data, **{f"image_{UNSAMPLED:09d}": image(data, UNSAMPLED - 1)})


def exchanged(data: Path) -> None:
    other = copy_words(data, data.parent / "other", COUNT, images={40: image(data, 1)})
    os.replace(other / "data.mdb", data / "data.mdb")


@pytest.mark.parametrize("change", [appended, replaced, exchanged])
def test_a_source_that_changes_during_the_run_is_noticed_and_its_masks_are_not_mixed(
    tmp_path, data, store, run, after_two_writes, change
):
    assert run().code == 0
    quiet = store.rename(tmp_path / "quiet")
    after_two_writes(lambda: change(data))
    assert_refused(run(), str(data), "was changed while it was read", "begin anew, in another output")
    assert_holds(store, quiet, 2 * CHUNK)
    held = contents(store)
    assert_refused(run(), "choose another output", "delete")
    assert contents(store) == held
    shutil.rmtree(store)
    assert run().code == 0
    assert MaskStore(store).complete and MaskStore(store).record.source == SourceRecord.of(WordLmdb(data))


def test_a_copy_of_the_source_is_no_change_and_a_write_after_the_store_is_finished_is_one(
    tmp_path, data, store, run, after_two_writes
):
    assert run().code == 0
    whole = contents(store)
    shutil.rmtree(store)
    after_two_writes(lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run().code == 130
    shutil.copytree(data, tmp_path / "copy")
    shutil.rmtree(data)
    (tmp_path / "copy").rename(data)
    assert run().code == 0 and contents(store) == whole
    replaced(data)
    assert_refused(run(), f"{store} was made with source revision", "choose another output or delete")
    assert contents(store) == whole


def test_an_output_that_cannot_be_written_is_refused_and_completed_once_it_can(tmp_path, store, run, after_two_writes):
    assert run().code == 0
    whole = contents(store)
    shutil.rmtree(store)
    store.mkdir()
    store.chmod(0o555)
    with bound_by_permissions():
        assert_refused(run(), f"cannot write {store}", "Permission denied", "choose another output")
    store.chmod(0o755)
    after_two_writes(lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run().code == 130
    file = store / SHARD / "data.mdb"
    for path, mode in [(file, 0o444), (file.parent, 0o555)]:
        path.chmod(mode)
        with bound_by_permissions():
            assert_refused(run(), f"cannot write {file}", "Permission denied", "choose another output")
        assert MaskStore(store).done == 2 * CHUNK
    file.parent.chmod(0o755)
    file.chmod(0o644)
    assert run().code == 0 and contents(store) == whole
    file.chmod(0o444)
    file.parent.chmod(0o555)
    with bound_by_permissions():
        assert run().code == 0  # there is nothing left to write
    file.parent.chmod(0o755)


def test_a_place_where_nothing_can_be_made_is_refused(segrec, data, thin):
    command = ["precompute-masks", "--data", data, "--segmenter", thin, "--quiet", "--output"]
    assert_refused(segrec(*command, "/proc/self/masks"), "cannot write /proc/self/masks", "choose another output")
    file = data / "data.mdb"
    assert_refused(segrec(*command, file / "masks"), f"cannot write {file}", "Not a directory", "another output")


def test_a_source_that_may_only_be_read_is_enough_and_stays_as_it_was(data, run, store):
    before = contents(data), (data / "data.mdb").stat().st_mtime_ns, os.listdir(data)
    (data / "data.mdb").chmod(0o444)
    data.chmod(0o555)
    with bound_by_permissions():
        assert run().code == 0
    assert before == (contents(data), (data / "data.mdb").stat().st_mtime_ns, ["data.mdb"])
    data.chmod(0o755)


def test_a_second_process_on_one_store_is_refused_and_disturbs_nothing(data, store, run, after_two_writes):
    outcomes: list[Outcome] = []
    after_two_writes(lambda: outcomes.append(run()))
    first = run()
    assert_refused(outcomes[0], "is being written by another process", "wait for it or choose another output")
    assert first.code == 0 and f"{COUNT} masks ({COUNT} new" in first.out
    assert MaskStore(store).complete


@pytest.mark.parametrize("kept", [0, 20_000])
def test_a_store_cut_short_is_refused_with_its_folder_named_and_made_again(store, run, kept):
    assert run().code == 0
    whole = contents(store)
    os.truncate(store / SHARD / "data.mdb", kept)
    assert_refused(run(), str(store / SHARD), "delete that folder and run again")
    shutil.rmtree(store / SHARD)
    assert run().code == 0 and contents(store) == whole


@pytest.mark.parametrize("address", ["https://example.org/", "http://127.0.0.1:9/"])
def test_the_tests_of_commands_notice_a_command_that_asks_for_the_internet(address):
    with pytest.raises(pytest.fail.Exception, match="the internet was asked for"):
        urllib.request.urlopen(address, timeout=1)

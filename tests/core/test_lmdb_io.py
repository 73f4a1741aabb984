"""Reading and committing lmdb folders, damaged ones included."""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import lmdb
import pytest

from segrec.core import lmdb_io
from segrec.core.errors import DataError
from segrec.core.lmdb_io import LmdbReader, close_environment, commit, read_environment

ROOT = Path(__file__).parents[2]


def make_database(folder: Path, values: dict[bytes, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    commit(folder / "data.mdb", list(values.items()))
    return folder


def one_line(error: pytest.ExceptionInfo[DataError]) -> str:
    message = str(error.value)
    assert message and "\n" not in message
    return message


def test_a_committed_value_is_read_back_and_an_absent_key_is_none(tmp_path):
    reader = LmdbReader(make_database(tmp_path / "db", {b"a": b"1", b"empty": b""}))
    assert reader.get(b"a") == b"1"
    assert reader.get(b"empty") == b""
    assert reader.get_many([b"b", b"a"]) == [None, b"1"]


def test_one_environment_a_path_however_it_is_spelt(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    (tmp_path / "link").symlink_to(folder)
    assert read_environment(folder) is read_environment(tmp_path / "link")
    assert read_environment(folder) is read_environment(f"{tmp_path}/x/../db")


def test_reading_leaves_the_folder_as_it_was(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    before = (folder / "data.mdb").read_bytes(), os.listdir(folder), (folder / "data.mdb").stat().st_mtime_ns
    LmdbReader(folder).get(b"a")
    close_environment(folder)
    assert before == ((folder / "data.mdb").read_bytes(), ["data.mdb"], (folder / "data.mdb").stat().st_mtime_ns)


def test_a_replaced_database_is_opened_anew(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"old"})
    assert LmdbReader(folder).get(b"a") == b"old"
    shutil.rmtree(folder)
    make_database(tmp_path / "db", {b"a": b"new"})
    assert LmdbReader(folder).get(b"a") == b"new"


def test_a_moved_or_hard_linked_database_is_the_same_environment(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    environment = read_environment(folder)
    (tmp_path / "linked").mkdir()
    os.link(folder / "data.mdb", tmp_path / "linked" / "data.mdb")
    assert read_environment(tmp_path / "linked") is environment
    folder.rename(tmp_path / "moved")
    reader = LmdbReader(tmp_path / "moved")
    assert reader.get(b"a") == b"1"
    close_environment(tmp_path / "linked")
    assert reader.get(b"a") == b"1"


def test_a_reader_sees_what_a_later_commit_of_the_same_process_adds(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    reader = LmdbReader(folder)
    make_database(folder, {b"b": b"x" * 40_000_000})
    assert reader.get(b"a") == b"1"
    assert len(reader.get(b"b") or b"") == 40_000_000


def test_a_reader_follows_a_file_that_another_process_grows_beyond_its_map(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    reader = LmdbReader(folder)
    script = (
        f"from segrec.core.lmdb_io import commit; commit({str(folder / 'data.mdb')!r}, [(b'b', b'x' * 40_000_000)])"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    assert len(reader.get(b"b") or b"") == 40_000_000


def test_a_reader_works_in_a_forked_child_and_after_it_in_the_parent(tmp_path):
    reader = LmdbReader(make_database(tmp_path / "db", {b"a": b"1"}))
    child = os.fork()
    if child == 0:
        os._exit(0 if reader.get(b"a") == b"1" and LmdbReader(tmp_path / "db").get(b"a") == b"1" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert reader.get(b"a") == b"1"


def test_a_reader_survives_pickling_and_threads(tmp_path):
    reader = pickle.loads(pickle.dumps(LmdbReader(make_database(tmp_path / "db", {b"a": b"1"}))))
    close_environment(tmp_path / "db")
    seen: list[bytes | None] = []
    threads = [threading.Thread(target=lambda: seen.append(reader.get(b"a"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [b"1"] * 8


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "holds no data.mdb"),
        (b"", "is empty (0 bytes)"),
        (b"abc", "is not a readable LMDB file"),
        (b"no database at all " * 1000, "is not a readable LMDB file"),
    ],
)
def test_a_folder_without_a_sound_data_file_is_refused_in_one_line(tmp_path, content, words):
    (tmp_path / "db").mkdir()
    if content is not None:
        (tmp_path / "db" / "data.mdb").write_bytes(content)
    with pytest.raises(DataError) as error:
        read_environment(tmp_path / "db")
    message = one_line(error)
    assert words in message and str(tmp_path / "db") in message


@pytest.mark.parametrize("kept", [0.25, 0.5, 0.99])
def test_a_database_cut_short_is_refused_and_does_not_crash(tmp_path, kept):
    folder = make_database(tmp_path / "db", {b"%04d" % index: b"x" * 100 for index in range(2000)})
    with open(folder / "data.mdb", "r+b") as handle:
        handle.truncate(int(kept * os.path.getsize(folder / "data.mdb")))
    with pytest.raises(DataError, match="is cut short") as error:
        read_environment(folder)
    assert "copy or make it again" in one_line(error)


def test_a_missing_folder_and_a_file_are_refused_in_one_line(tmp_path):
    with pytest.raises(DataError, match="does not exist; check the path"):
        read_environment(tmp_path / "nothing")
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    with pytest.raises(DataError, match="is a file, not an LMDB folder"):
        read_environment(folder / "data.mdb")


def test_a_page_of_rubbish_inside_is_a_data_error_not_a_foreign_one(tmp_path):
    folder = make_database(tmp_path / "db", {b"%04d" % index: b"x" * 100 for index in range(2000)})
    with open(folder / "data.mdb", "r+b") as handle:
        handle.seek(2 * 4096)
        handle.write(b"\xff" * (os.path.getsize(folder / "data.mdb") - 2 * 4096))
    with pytest.raises(DataError, match="copy or make") as error:
        LmdbReader(folder).get(b"0001")
    one_line(error)


def test_an_environment_opened_by_other_code_of_the_process_is_named_as_the_cause(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    foreign = lmdb.open(str(folder), readonly=True, lock=False)
    try:
        with pytest.raises(DataError, match="already open in this process"):
            read_environment(folder)
    finally:
        foreign.close()
    assert LmdbReader(folder).get(b"a") == b"1"


def test_a_commit_is_all_or_nothing_and_leaves_no_lock_file(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    with pytest.raises(DataError, match="cannot write"):
        commit(folder / "data.mdb", [(b"b", b"2"), (b"k" * 600, b"key too long")])
    assert LmdbReader(folder).get(b"b") is None
    assert os.listdir(folder) == ["data.mdb"]


def test_the_file_grows_with_its_content_and_declares_no_huge_map(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    assert (folder / "data.mdb").stat().st_size < 20_000
    for step in range(3):
        commit(folder / "data.mdb", [(b"%d-%04d" % (step, index), b"x" * 1000) for index in range(2000)])
    assert (folder / "data.mdb").stat().st_size < 16_000_000
    environment = lmdb.open(str(folder), readonly=True, lock=False, map_size=0)
    try:
        assert environment.info()["map_size"] <= 1 << 26
    finally:
        environment.close()


def test_a_full_disk_is_told_in_one_line_and_keeps_what_was_committed(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    script = f"""
import resource, signal
from segrec.core.errors import DataError
from segrec.core.lmdb_io import commit
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    commit({str(folder / "data.mdb")!r}, [(b"%04d" % index, b"x" * 500) for index in range(2000)])
except DataError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert "cannot write" in done.stdout and "free space or choose another output" in done.stdout
    assert LmdbReader(folder).get_many([b"a", b"0000"]) == [b"1", None]


def test_released_pages_are_read_again(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    reader = LmdbReader(folder)
    environment = read_environment(folder)
    assert reader.get(b"a") == b"1"
    reader.release()
    with pytest.raises(lmdb.Error):
        environment.stat()
    reader.release()
    assert reader.get(b"a") == b"1"


def test_nothing_is_released_under_a_read(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    reader = LmdbReader(folder)
    with reader._transaction() as transaction:
        LmdbReader(folder).release()
        assert transaction.get(b"a") == b"1"


@pytest.mark.parametrize("closing", ["close", "commit", "replace"])
def test_nothing_is_closed_under_another_threads_read(tmp_path, closing):
    folder = make_database(tmp_path / "db", {b"a": b"1"})
    reader, seen = LmdbReader(folder), []

    def close() -> None:
        if closing == "commit":
            commit(folder / "data.mdb", [(b"a", b"2")])
        elif closing == "replace":
            os.replace(make_database(tmp_path / "other", {b"a": b"2"}) / "data.mdb", folder / "data.mdb")
            read_environment(folder)
        else:
            close_environment(folder)
        seen.append("closed")

    thread = threading.Thread(target=close)
    with reader._transaction() as transaction:
        thread.start()
        thread.join(0.2)
        assert transaction.get(b"a") == b"1" and seen == []
    thread.join(20)
    assert seen == ["closed"]
    assert LmdbReader(folder).get(b"a") == (b"1" if closing == "close" else b"2")
    assert not lmdb_io.open_environments().closing


def test_threads_read_on_while_others_close_and_commit(tmp_path):
    folder = make_database(tmp_path / "db", {b"a": b"0"})
    reader, failures, stop = LmdbReader(folder), [], threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                assert reader.get(b"a") is not None
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(10):
        commit(folder / "data.mdb", [(b"a", b"%d" % number)], durable=False)
        close_environment(folder)
        reader.release()
    stop.set()
    for thread in threads:
        thread.join(20)
    assert failures == [] and reader.get(b"a") == b"9"


def test_more_databases_are_read_than_are_held_open(tmp_path, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (12, 4096))
    readers = [LmdbReader(make_database(tmp_path / f"db{number}", {b"a": b"%d" % number})) for number in range(6)]
    environments = lmdb_io.open_environments()
    for number in (0, 5, 1, 4, 0, 0, 2, 3):
        assert readers[number].get(b"a") == b"%d" % number
        assert len(environments.by_path) <= 3
    assert [Path(path).name for path in environments.by_path] == ["db0", "db2", "db3"]
    with readers[0]._transaction() as reading, readers[2]._transaction():
        assert readers[4].get(b"a") == b"4"  # closes the only one that is not being read
        assert readers[5].get(b"a") == b"5"
        assert reading.get(b"a") == b"0"
    assert {Path(path).name for path in environments.by_path} == {"db0", "db2", "db5"}


def test_pages_are_filled_up_before_items_that_are_put_anew(tmp_path):
    file, size = tmp_path / "data.mdb", 700
    for begin in range(0, 400, 100):
        rising = [(b"mask-%03d" % index, bytes(size)) for index in range(begin, begin + 100)]
        commit(file, [*rising, (b"progress", b"%d" % begin)], durable=False)
    assert file.stat().st_size < 1.2 * 400 * 4096 / 5  # five to a page
    assert LmdbReader(tmp_path).get_many([b"mask-007", b"mask-399", b"progress"]) == [bytes(size), bytes(size), b"300"]


def test_items_in_any_order_and_between_others_are_stored(tmp_path):
    commit(tmp_path / "data.mdb", [(b"m", b"1"), (b"z", b"1")])
    commit(tmp_path / "data.mdb", [(b"q", b"2"), (b"r", b"2")])
    commit(tmp_path / "data.mdb", [(b"z", b"3"), (b"a", b"3"), (b"m", b"3")])
    assert LmdbReader(tmp_path).get_many([b"a", b"m", b"q", b"r", b"z"]) == [b"3", b"3", b"2", b"2", b"3"]

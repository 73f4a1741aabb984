"""The one-writer lock on a folder."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from segrec.core.errors import DataError
from segrec.core.lock import LOCK_FILE, FolderLock, lock_folder

ROOT = Path(__file__).parents[2]
HOLDER = """
import os, sys, time
from segrec.core.lock import FolderLock
lock = FolderLock(sys.argv[1])
if os.fork() == 0:
    print(os.getpid(), flush=True)  # by the child, which has forgotten the lock once fork returns in it
    time.sleep(60)
    os._exit(0)
time.sleep(60)
"""


def test_a_second_lock_is_refused_until_the_first_is_released(tmp_path):
    lock = FolderLock(tmp_path)
    with pytest.raises(DataError, match="is being written by another process; wait for it") as error:
        FolderLock(tmp_path)
    assert "\n" not in str(error.value)
    lock.release()
    lock.release()
    assert not lock.held
    FolderLock(tmp_path).release()


def test_releasing_a_lock_again_leaves_a_later_one_with_its_descriptor_alone(tmp_path):
    earlier = FolderLock(tmp_path)
    earlier.release()
    later = FolderLock(tmp_path)  # the system hands out the same number again
    earlier.release()
    assert later.held and not earlier.held
    with pytest.raises(DataError, match="is being written by another process"):
        FolderLock(tmp_path)
    later.release()


def test_the_lock_is_on_a_regular_file_that_it_leaves_not_behind(tmp_path):
    lock = FolderLock(tmp_path)
    assert os.listdir(tmp_path) == [LOCK_FILE] and (tmp_path / LOCK_FILE).is_file()
    assert fcntl.fcntl(lock._descriptor, fcntl.F_GETFL) & os.O_RDWR
    lock.release()
    assert os.listdir(tmp_path) == []


def test_a_killed_process_frees_the_lock_though_its_forked_child_lives_on(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(DataError, match="another process"):
            FolderLock(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        os.kill(child, 0)
        FolderLock(tmp_path).release()
    finally:
        os.kill(child, signal.SIGKILL)
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_a_forked_child_does_not_free_its_parents_lock(tmp_path):
    lock = FolderLock(tmp_path)
    child = os.fork()
    if child == 0:
        lock.release()
        os._exit(1 if lock.held else 0)
    assert os.waitpid(child, 0)[1] == 0
    with pytest.raises(DataError):
        FolderLock(tmp_path)
    lock.release()


def test_a_lock_file_that_its_holder_took_away_meanwhile_is_no_lock(tmp_path, monkeypatch):
    first, real = FolderLock(tmp_path), fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        first.release()  # between the other's open and flock
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    second = FolderLock(tmp_path)
    assert second.held and (tmp_path / LOCK_FILE).exists()
    with pytest.raises(DataError, match="another process"):
        FolderLock(tmp_path)
    second.release()
    assert os.listdir(tmp_path) == []


def test_a_folder_is_made_and_locked_and_one_that_cannot_be_is_named_with_the_remedy(tmp_path):
    lock = lock_folder(tmp_path / "new" / "folder")
    with pytest.raises(DataError, match="is being written by another process"):
        lock_folder(tmp_path / "new" / "folder")
    lock.release()
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write .*inside: Not a directory; name another --output") as error:
        lock_folder(tmp_path / "file" / "inside", remedy="name another --output")
    assert "\n" not in str(error.value)

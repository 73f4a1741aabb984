"""The one-writer lock on a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from segrec.core.errors import DataError
from segrec.core.lock import FolderLock

ROOT = Path(__file__).parents[2]
HOLDER = """
import os, sys, time
from segrec.core.lock import FolderLock
lock = FolderLock(sys.argv[1])
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
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


def test_the_lock_leaves_no_file(tmp_path):
    lock = FolderLock(tmp_path)
    assert os.listdir(tmp_path) == []
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

"""Masks from Ray: the bytes of the local engine, whoever dies meanwhile."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import ray
import ray._private.state

from segrec.core.errors import DataError
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb, WordWriter
from segrec.jobs.precompute import precompute_masks
from segrec.jobs.precompute_ray import precompute_with_ray, ray_cluster
from segrec.rendering.writing import render_words

ROOT = Path(__file__).parents[2]
COUNT, BLOCKS = 72, 4
TIMEOUT = 300.0
"""Seconds after which a run that does nothing fails its test."""


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered words, over and over, one of them without a readable picture."""
    folder = tmp_path_factory.mktemp("ray")
    render_words(folder / "rendered", 24, seed=3)
    rendered = WordLmdb(folder / "rendered")
    with WordWriter(folder / "words") as writer:
        for position in range(COUNT):
            picture = rendered.image_bytes(position % len(rendered)) or b""
            writer.add(b"no picture" if position == 30 else picture, "word")
    return folder / "words"


@pytest.fixture(scope="module")
def local(words: Path) -> Callable[[int], dict[str, str]]:
    """Gives the contents of the store that the local engine writes, shard by shard."""

    def write(blocks: int) -> dict[str, str]:
        store = words.parent / f"local-{blocks}"
        for number in range(1, blocks + 1):
            precompute_masks(words, store, shard=(number, blocks), device="cpu")
        return contents(store)

    return write


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[str]:
    """Ray on this machine, as the job itself starts it, and its address."""
    with ray_cluster(ray, None, 2):
        yield ray.get_runtime_context().gcs_address


def contents(store: Path) -> dict[str, str]:
    files = sorted(file for file in store.rglob("*") if file.is_file())
    return {str(file.relative_to(store)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT
    while not happened():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)


def begun(store: Path) -> bool:
    """Whether a first mask of the store is on the disk."""
    try:
        return MaskStore(store).done > 0
    except DataError:
        return False


def test_ray_writes_the_bytes_of_the_local_engine_though_an_actor_is_killed(tmp_path, words, local, caplog):
    store, killed = tmp_path / "store", []

    def kill() -> None:
        wait_until(lambda: begun(store))
        actors = ray._private.state.actors().values()
        pid = next(actor["Pid"] for actor in actors if actor["State"] == "ALIVE" and "ShardActor" in str(actor))
        os.kill(pid, signal.SIGKILL)
        killed.append(MaskStore(store).done)

    caplog.set_level("INFO", "segrec")
    killer = threading.Thread(target=kill)
    killer.start()
    result = precompute_with_ray(words, store, blocks=BLOCKS, actors=2, device="cpu")
    killer.join()
    assert 0 < killed[0] < COUNT
    assert contents(store) == local(BLOCKS)
    assert (result.store, result.words) == (store, COUNT)
    assert "ray: 4 blocks, 2 actors on CPU" in caplog.text and "is done; 72 of 72 words" in caplog.text


def test_what_a_killed_driver_left_is_finished_by_the_next_one_on_the_same_cluster(tmp_path, words, local, cluster):
    store, blocks = tmp_path / "store", 3 * BLOCKS
    command = [sys.executable, "-m", "segrec", "precompute-masks", "--engine", "ray", "--ray-address", cluster]
    command += ["--data", str(words), "--output", str(store), "--device", "cpu", "--blocks", str(blocks)]
    with open(tmp_path / "log", "wb") as log:
        driver = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": str(ROOT)})
        wait_until(lambda: begun(store) or driver.poll() is not None)
        driver.kill()
    assert driver.wait() == -signal.SIGKILL, (tmp_path / "log").read_text()
    assert 0 < MaskStore(store).done < COUNT
    result = precompute_with_ray(words, store, ray_address=cluster, device="cpu")  # blocks are those of the store
    assert contents(store) == local(blocks)
    assert 0 < result.predicted < COUNT and result.words == COUNT


def listening_addresses(process: int) -> set[str]:
    """Return the addresses, as the kernel writes them, at which a process and its descendants take connections."""
    waiting = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":  # listening
                waiting[f"socket:[{fields[9]}]"] = fields[1].split(":")[0]
    family, found = {process}, set()
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    for member in family:
        for file in Path(f"/proc/{member}/fd").glob("*"):
            try:
                found.add(waiting.get(os.readlink(file), ""))
            except OSError:
                continue
    return found - {""}


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_ray_that_the_job_starts_listens_on_the_loopback_interface_alone():
    addresses = listening_addresses(os.getpid())
    assert addresses and addresses <= {"0100007F", "0000000000000000FFFF00000100007F", f"{1 << 24:032X}"}, addresses

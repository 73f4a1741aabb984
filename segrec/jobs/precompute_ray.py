"""Predicting masks on a cluster: the shards of one store are the blocks of a Ray dataset."""

from __future__ import annotations

import logging
import math
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryFile
from types import ModuleType
from typing import Any, BinaryIO, NamedTuple

from segrec.core.errors import ConfigError, DataError, LibraryError
from segrec.core.packages import package
from segrec.core.runlog import LOGGER, progress_bar
from segrec.data.masks.record import MaskRecord, shard_folders, shard_span
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb
from segrec.jobs.precompute import (
    CHUNK,
    MaskLayout,
    PrecomputeResult,
    layout_of,
    open_segmenter,
    predicted_record,
    words_to_do,
)
from segrec.jobs.precompute_settings import Precomputing
from segrec.jobs.ray_actor import RayJob, ShardActor, raise_reported

BLOCKS_AN_ACTOR = 4
"""By default; more blocks than actors, so that none waits long for the last."""
OBJECT_STORE = 100 << 20
"""Bytes for Ray's own store where the job starts Ray; only numbers and messages travel through it."""
LOOPBACK = "127.0.0.1"
FOR_OTHERS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Variable that says whether Ray may be reached from other machines; 0 is its way for desktops, set here unless set."""
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Environment in which Ray reports to nobody and keeps its inner messages to itself; what is set already stays."""
ANSWER_WITHIN = 10.0
"""Seconds for the head of a cluster to take a connection; Ray itself would try for 20 minutes and say nothing."""
DENIED = "it asks for a token: set RAY_AUTH_MODE=token here too, with its token in ~/.ray/auth_token or RAY_AUTH_TOKEN"
LOOK_EVERY = 5.0
"""Seconds between two looks at the store for the progress bar."""


class Pool(NamedTuple):
    """How many actors there are, where they compute, and what each needs."""

    size: int
    device: str
    needs: dict[str, int]


def precompute_with_ray(
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    segmenter: str | os.PathLike[str] = Precomputing.segmenter,
    ray_address: str | None = None,
    blocks: int | None = None,
    actors: int | None = None,
    limit: int | None = None,
    batch_size: int = Precomputing.batch_size,
    workers: int = Precomputing.workers,
    device: str = Precomputing.device,
    amp: str = Precomputing.amp,
) -> PrecomputeResult:
    """Predict and store the text masks of a word database with Ray Data; run again, it goes on where it stopped.

    The store holds the bytes that `precompute_masks` writes shard by shard with the same number of shards. An actor
    that dies is started again and goes on in its block.

    Args:
        data: a word lmdb; opened read-only. It and `output` are the same folder on every node.
        output: the mask store's folder.
        segmenter: a shipped name, run directory or weights file.
        ray_address: of a cluster to join, `auto` for the one of this machine; None starts Ray on this machine alone.
        blocks: into how many shards the words are cut; None for as many as the store has, or a few for each actor.
        actors: how many segmenters work at once; None for one per GPU, or one per CPU where there is no GPU.
        limit: only the first words.
        batch_size: as `precompute_masks`.
        workers: threads of each actor that decode pictures ahead of the network.
        device: `auto`, `cuda` or `cpu`.
        amp: as `precompute_masks`.

    Raises:
        DataError: the database or the store cannot be read, the store is of something else, or nodes see other files.
        ConfigError: the cluster has too little for what is asked.
        LibraryError: Ray is missing, cannot start or be reached, or gave up.
    """
    ray = _import_ray()
    record = _record(data, segmenter, limit, amp, layout_of(output))
    with ray_cluster(ray, ray_address, actors):
        pool = chosen_pool(ray, device, actors)
        count = blocks or chosen_blocks(Path(output), record.span[1], pool)
        weights = os.path.abspath(segmenter) if Path(segmenter).exists() else str(segmenter)
        places = (os.path.abspath(data), os.path.abspath(output), weights)
        job = RayJob(*places, record, count, batch_size, workers, pool.device, amp)
        LOGGER.info("ray: %d blocks, %d actors on %s", count, pool.size, pool.device.upper())
        return _run(ray, job, pool, Path(output))


def _import_ray() -> ModuleType:
    missing = "--engine ray needs Ray ({reason}); run pip install 'segrec[ray]'"
    package("ray.data", missing)
    return package("ray", missing)


def _record(
    data: str | os.PathLike[str], segmenter: str | os.PathLike[str], limit: int | None, amp: str, layout: MaskLayout
) -> MaskRecord:
    """Return the record of the whole store, having read the words and the weights here once."""
    words = WordLmdb(data)
    count = words_to_do(words, limit)
    network, described = open_segmenter(segmenter, device="cpu", amp="off" if amp == "fp16" else amp)
    return predicted_record(words, network, described, count=count, layout=layout)


@contextmanager
def ray_cluster(ray: ModuleType, address: str | None, actors: int | None) -> Iterator[None]:
    """Join a cluster, or start Ray on this machine without a dashboard or reports to anyone, and leave it at the end.

    A process that is in a cluster already stays in it, and prints what Ray says where it did.
    """
    if ray.is_initialized():
        yield
        return
    if address is not None:
        _require_answer(address)
    else:
        _stay_on_loopback(ray)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    alone: dict[str, Any] = {
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE,
        "_node_ip_address": LOOPBACK,
    }
    if actors is not None:
        alone["num_cpus"] = max(actors, os.cpu_count() or 1)
    with TemporaryFile() as said:
        try:
            with _stderr_into(said):
                ray.init(address=address or "local", **quiet, **({} if address else alone))
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            said.seek(0)
            denied = b"Unauthenticated" in said.read() or "authentication token" in str(error)
            raise _no_cluster(address, DENIED if denied else _first_line(error)) from error
    try:
        with redirect_stdout(sys.stderr):  # on which Ray tells of workers that died; stdout is for results
            yield
    finally:
        ray.shutdown()


def _stay_on_loopback(ray: ModuleType) -> None:
    """Let all servers of a Ray that is to be started here listen on `LOOPBACK`, unless the user's setting says more."""
    if os.environ.setdefault(FOR_OTHERS, "0") == "0":
        ray._private.ray_constants.ENABLE_RAY_CLUSTER = False  # read from the environment when Ray was imported


def _require_answer(address: str) -> None:
    """Refuse an address HOST:PORT at which nobody answers; others, as `auto`, are Ray's to judge."""
    host, _, port = address.rpartition(":")
    if not port.isdigit() or "://" in address:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_WITHIN).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, _first_line(error)) from error


def _no_cluster(address: str | None, reason: str) -> LibraryError:
    where = f"join the Ray cluster at {address}" if address else "start Ray on this machine"
    return LibraryError(f"cannot {where} ({reason}); see ray status, or use --engine local")


@contextmanager
def _stderr_into(file: BinaryIO) -> Iterator[None]:
    """Keep what libraries write past Python to stderr; Ray, when told to be quiet, says there that it was told so."""
    kept = os.dup(2)
    try:
        os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def chosen_pool(ray: ModuleType, device: str, actors: int | None) -> Pool:
    """Return the actors that the cluster has room for: one per GPU, or one per CPU."""
    if device not in ("auto", "cuda", "cpu"):
        raise ConfigError(f"Ray gives each actor its device; use --device auto, cuda or cpu, not {device!r}")
    there = ray.cluster_resources()
    on_gpu = device == "cuda" or (device == "auto" and there.get("GPU", 0) >= 1)
    kind = "GPU" if on_gpu else "CPU"
    most = int(there.get(kind, 0))
    if not 1 <= (actors or most) <= most:
        raise ConfigError(f"{actors or 1} actors need as many {kind}s, but Ray has {most}; lower --actors or add nodes")
    return Pool(actors or most, "cuda" if on_gpu else "cpu", {"num_cpus": 1, "num_gpus": 1 if on_gpu else 0})


def chosen_blocks(store: Path, words: int, pool: Pool) -> int:
    """Return into how many shards the store is cut already, or is best cut: some for each actor, none too small."""
    begun = next((count for _, count in shard_folders(store)), None)
    return begun or min(BLOCKS_AN_ACTOR * pool.size, math.ceil(words / CHUNK))


def _run(ray: ModuleType, job: RayJob, pool: Pool, output: Path) -> PrecomputeResult:
    """Write all blocks, telling of each that is done."""
    done = predicted = unreadable = 0
    total = job.record.span[1]
    try:
        with _watched(output, total):
            for batch in _dataset(ray, job, pool).iter_batches(batch_size=1, prefetch_batches=0):
                report = {name: values[0] for name, values in batch.items()}
                raise_reported(report)
                done += int(report["words"])
                predicted += int(report["predicted"])
                unreadable += int(report["unreadable"])
                LOGGER.info("shard %d/%d is done; %d of %d words", report["number"], job.blocks, done, total)
    except ray.exceptions.RayError as error:
        raise LibraryError(
            f"Ray gave up ({_first_line(error)}); what is stored stays, run the same command again to go on"
        ) from error
    if unreadable:
        LOGGER.warning("%d words of %s have no readable image; their masks are stored as empty", unreadable, job.data)
    return PrecomputeResult(output, done, predicted, unreadable)


def _dataset(ray: ModuleType, job: RayJob, pool: Pool) -> Any:
    """Return the Ray dataset whose blocks are ranges of the words, and whose rows report what was done with them."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    spans = [(number, shard_span(job.record.span, (number, job.blocks))) for number in range(1, job.blocks + 1)]
    ranges = [{"number": number, "first": first, "last": last} for number, (first, last) in spans]
    return ray.data.from_items(ranges, override_num_blocks=job.blocks).map_batches(
        ShardActor,
        fn_constructor_args=[job],
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(pool.size, job.blocks), max_tasks_in_flight_per_actor=1),
        **pool.needs,
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def _watched(store: Path, total: int) -> Iterator[None]:
    """Show how many masks the store holds, whoever writes them."""
    finished = threading.Event()
    with progress_bar(total, "masks", "word", initial=_masks_of(store) or 0) as bar:

        def look() -> None:
            while not finished.wait(LOOK_EVERY):
                bar.update((_masks_of(store) or bar.n) - bar.n)

        looking = threading.Thread(target=look, daemon=True)
        if not bar.disable:
            looking.start()
        try:
            yield
        finally:
            finished.set()
            if looking.is_alive():
                looking.join()


def _masks_of(store: Path) -> int | None:
    """Return how many masks a store holds; None when it is not begun yet, or cannot be read just now."""
    try:
        return MaskStore(store).done
    except DataError:
        return None

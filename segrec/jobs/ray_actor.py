"""What an actor of a Ray cluster does: it holds a segmenter and writes the shards that are handed to it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from segmenter.predictor import TorchSegmenter
from segrec.core import errors
from segrec.core.errors import BusyError, DataError, SegrecError
from segrec.data.masks.record import MaskRecord
from segrec.data.words import WordLmdb
from segrec.jobs.precompute import MaskLayout, PrecomputeResult, open_segmenter, precompute_shard, predicted_record

BUSY_TIMEOUT = 60.0
"""Seconds for which an actor waits for a shard that another process writes."""
ASK_EVERY = 0.5


class RayJob(NamedTuple):
    """What each actor needs to know; paths are absolute and must lead to the same files on every node."""

    data: str
    output: str
    segmenter: str
    record: MaskRecord
    blocks: int
    batch_size: int
    workers: int
    device: str
    amp: str


class ShardActor:
    """Holds one segmenter on a node of the cluster and writes the shards that Ray hands to it, one after the other."""

    def __init__(self, job: RayJob) -> None:
        self._job = job
        self._network: TorchSegmenter | None = None

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was done with the one range of `batch`, or the error that a user can mend."""
        number = int(batch["number"][0])
        report = {"number": number, "words": 0, "predicted": 0, "unreadable": 0, "error": "", "kind": ""}
        try:
            result = self._precompute(number)
            report |= {"words": result.words, "predicted": result.predicted, "unreadable": result.unreadable}
        except SegrecError as error:
            report |= {"error": str(error), "kind": type(error).__name__}
        return {name: np.array([value]) for name, value in report.items()}

    def _precompute(self, number: int) -> PrecomputeResult:
        job, words = self._job, WordLmdb(self._job.data)
        if self._network is None:
            network, described = open_segmenter(job.segmenter, device=job.device, amp=job.amp)
            layout = MaskLayout(job.record.mask_size, job.record.version)
            here = predicted_record(words, network, described, count=job.record.span[1], layout=layout)
            difference = job.record.difference(here)
            if difference:
                raise DataError(
                    f"the job has {difference} as on node {os.uname().nodename}; "
                    "every node must find the same files at the same paths"
                )
            self._network = network
        shard, settings = (number, job.blocks), {"batch_size": job.batch_size, "workers": job.workers}
        network = self._network
        return once_free(lambda: precompute_shard(words, job.output, network, job.record, shard=shard, **settings))


def once_free(write: Callable[[], PrecomputeResult]) -> PrecomputeResult:
    """Return what `write` returns, called again for a while when another process writes there.

    The actors of a job that was killed live on for a moment, until the cluster notices, and so does an actor that was
    cut off from the cluster.

    Raises:
        BusyError: it is still being written after `BUSY_TIMEOUT` seconds.
    """
    end = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            return write()
        except BusyError:
            if time.monotonic() >= end:
                raise
        time.sleep(ASK_EVERY)


def raise_reported(report: Mapping[str, Any]) -> None:
    """Raise the error that an actor reports, as what it was there.

    Raises:
        SegrecError: of the reported kind, where there is one.
    """
    if report["error"]:
        raise getattr(errors, str(report["kind"]))(str(report["error"]))

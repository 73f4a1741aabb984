"""Finding the text masks of photographs whose words are outlined and transcribed, and writing them as a folder."""

from __future__ import annotations

import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from segmenter.datasets import READERS, open_dataset
from segmenter.datasets.base import TranscribedImages
from segrec.core.errors import ConfigError, DataError
from segrec.core.files import write_bytes
from segrec.core.images import Array, encode_png, read_image
from segrec.core.interrupt import held_interrupts
from segrec.core.regular import MOST_PICTURE_BYTES, read_regular
from segrec.core.runlog import LOGGER, append_jsonl, log_rows, progress_bar, rewind_jsonl
from segrec.core.workers import worker_processes
from segrec.data.labelling.acceptance import METHOD, Verifier
from segrec.data.labelling.reasons import REASONS, THRESHOLD
from segrec.data.labelling.scenes import label_scene
from segrec.jobs.verifiers import VerifierFile, find_verifier, open_verifier
from segrec.weights import PLAIN

LOG = "labels.jsonl"
"""Of a folder: what was labelled with what, then a row for each photograph."""
AHEAD = 8
"""Photographs that workers have in hand."""

_labeller: _Labeller | None = None


@dataclass(frozen=True)
class SceneLabels:
    """What a folder of labelled photographs holds.

    Attributes:
        folder: with images/, text/ and region/.
        scenes: photographs in it.
        added: those that this run dealt with.
        accepted: words with a mask.
        refused: the others, by a key of `REASONS`, the most frequent first.
    """

    folder: Path
    scenes: int
    added: int
    accepted: int
    refused: dict[str, int]

    @property
    def counts(self) -> str:
        """What was labelled, in words."""
        words = self.accepted + sum(self.refused.values())
        return f"{self.accepted} masks of {words} words in {self.scenes} photographs ({self.added} new)"


class _Labelled(NamedTuple):
    """A photograph's files and what became of its words."""

    name: str
    picture: bytes
    suffix: str
    text: bytes
    region: bytes
    accepted: int
    refused: list[str]


def is_scenes(data: str) -> bool:
    """Return whether data is named as `KIND[:SPLIT]=PATH` of a dataset of photographs."""
    kind, sign, _ = data.partition("=")
    return bool(sign) and kind.partition(":")[0] in READERS


def label_scenes(
    data: str,
    output: str | os.PathLike[str],
    *,
    verifier: str | os.PathLike[str] = PLAIN,
    threshold: float = THRESHOLD,
    limit: int | None = None,
    workers: int = 1,
    device: str = "auto",
) -> SceneLabels:
    """Write photographs with the text masks of the words that have one; run again, it goes on where it stopped.

    The folder is of the kind `folder`: images/, region/ from all outlines, and text/, 255 in the ink of verified words,
    128 = ignore in the outlines of the others, and 0 elsewhere.

    Args:
        data: `KIND[:SPLIT]=PATH` of photographs with outlined, transcribed words: icdar15 or mlt.
        output: the folder.
        verifier: see `find_verifier`.
        threshold: the verifier's least mean confidence in the characters of a reading, in [0, 1].
        limit: only the first photographs.
        workers: processes that label.
        device: of the verifier.

    Raises:
        ConfigError: the kind has no transcriptions, the verifier needs masks itself, or the threshold is out of range.
        CheckpointError: the verifier cannot be read.
        DataError: the photographs or the folder cannot be read or written, or the folder is of something else.
        LibraryError: the verifier needs a library that is missing.
    """
    if not 0 <= threshold <= 1:
        raise ConfigError(f"--threshold must be from 0 to 1, got {threshold}")
    scenes, file = open_scenes(data), find_verifier(verifier)
    last = len(scenes) if limit is None else min(limit, len(scenes))
    folder, log = Path(output), Path(output) / LOG
    start = _started(log, _record(data, len(scenes), file, threshold))
    if start:
        LOGGER.info("%s holds photographs 1 to %d; going on", output, start)
    with progress_bar(max(start, last), "masks", "photograph", initial=start) as bar:
        for step, one in enumerate(_labelled(data, file, range(start, last), threshold, workers, device), start + 1):
            write_bytes(folder / "images" / f"{one.name}{one.suffix}", one.picture)
            write_bytes(folder / "region" / f"{one.name}.png", one.region)
            write_bytes(folder / "text" / f"{one.name}.png", one.text)
            append_jsonl(log, {"step": step, "name": one.name, "accepted": one.accepted, "refused": one.refused})
            bar.update()
    rows = _rows(log)[1:]
    refused = dict(Counter(reason for row in rows for reason in row["refused"]).most_common())
    for reason, count in refused.items():
        LOGGER.info("%d refused, %s: %s", count, reason, REASONS.get(reason, reason))
    return SceneLabels(folder, len(rows), len(rows) - start, sum(row["accepted"] for row in rows), refused)


def open_scenes(data: str) -> TranscribedImages:
    """Return photographs whose words are outlined and transcribed.

    Raises:
        ConfigError: the kind has none, or is unknown.
        DataError: the folder has another layout.
    """
    kind, _, root = data.partition("=")
    name, _, split = kind.partition(":")
    scenes = open_dataset(name, root, split or None)
    if not isinstance(scenes, TranscribedImages):
        raise ConfigError(f"segrec reads no transcriptions of {name}; label-masks takes word lmdbs, icdar15 and mlt")
    return scenes


def _record(data: str, count: int, file: VerifierFile, threshold: float) -> dict[str, Any]:
    """Return the log's first row."""
    return {
        "step": 0,
        "kind": data.partition("=")[0],
        "photographs": count,
        "verifier": file.name,
        "digest": file.digest,
        "threshold": float(threshold),
        "method": METHOD,
    }


def _started(log: Path, record: dict[str, Any]) -> int:
    """Return how many photographs a folder holds that was begun with the same record, which a new one gets.

    Raises:
        DataError: it was begun with another.
    """
    if not log.exists():
        if log.parent.is_dir() and any(log.parent.iterdir()):
            raise DataError(f"{log.parent} holds something else; name a new folder with --output")
        for part in ("images", "region", "text"):
            (log.parent / part).mkdir(parents=True)
        append_jsonl(log, record)
        return 0
    rewind_jsonl(log, sys.maxsize)
    rows = _rows(log)
    if not rows or rows[0] != record:
        raise DataError(f"{log.parent} was begun with other photographs or another verifier; name a new --output")
    return len(rows) - 1


def _rows(log: Path) -> list[dict[str, Any]]:
    return [row for _, row in log_rows(log) if row is not None]


class _Labeller:
    """Labels photographs by their positions."""

    def __init__(self, scenes: TranscribedImages, verifier: Verifier, threshold: float) -> None:
        self._scenes, self._verifier, self._threshold = scenes, verifier, threshold

    def label(self, position: int) -> _Labelled:
        sample, path = self._scenes.sample(position), self._scenes.path(position)
        words = self._scenes.words(position)
        truth = label_scene(sample.image, words, self._verifier, threshold=self._threshold)
        assert sample.region is not None
        picture, suffix = _as_stored(path, sample.image)
        return _Labelled(
            self._scenes.name(position),
            picture,
            suffix,
            encode_png(truth.text),
            encode_png(sample.region),
            truth.accepted,
            list(truth.refused),
        )


def _as_stored(path: Path, image: Array) -> tuple[bytes, str]:
    """Return a picture's file, or where an EXIF orientation would turn it, its pixels as they are stored, in PNG."""
    if np.array_equal(read_image(path), image):
        return read_regular(path, most=MOST_PICTURE_BYTES), path.suffix
    return encode_png(image), ".png"


def _labelled(
    data: str, file: VerifierFile, positions: range, threshold: float, workers: int, device: str
) -> Iterator[_Labelled]:
    """Yield photographs in order."""
    if workers <= 1:
        labeller = _Labeller(open_scenes(data), open_verifier(file, device=device), threshold)
        with held_interrupts() as held:
            for position in positions:
                held.check()
                yield labeller.label(position)
        return
    open_verifier(file)  # so that what is wrong with it is said here, not by a worker
    with worker_processes(workers, _start_worker, data, file, threshold, device) as submit:
        waiting: deque[Callable[[], _Labelled]] = deque()
        for position in positions:
            waiting.append(submit(_label, position))
            if len(waiting) > AHEAD:
                yield waiting.popleft()()
        for pending in waiting:
            yield pending()


def _start_worker(data: str, file: VerifierFile, threshold: float, device: str) -> None:
    global _labeller
    torch.set_num_threads(1)
    _labeller = _Labeller(open_scenes(data), open_verifier(file, device=device), threshold)


def _label(position: int) -> _Labelled:
    assert _labeller is not None
    return _labeller.label(position)

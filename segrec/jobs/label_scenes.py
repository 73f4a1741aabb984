"""Finding the text masks of photographs whose words are outlined and transcribed, and writing them as a folder."""

from __future__ import annotations

import os
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segmenter.datasets import READERS, open_dataset
from segmenter.datasets.base import TranscribedImages
from segrec.core.errors import ConfigError, DataError
from segrec.core.files import write_bytes
from segrec.core.images import Array, encode_png, read_image
from segrec.core.regular import MOST_PICTURE_BYTES, read_regular
from segrec.core.runlog import LOGGER, append_jsonl, log_rows, progress_bar, rewind_jsonl
from segrec.data.labelling.acceptance import METHOD, Verifier
from segrec.data.labelling.reasons import THRESHOLD
from segrec.data.labelling.scenes import label_scene
from segrec.jobs.labellers import LabelResult, labels_of
from segrec.jobs.verifiers import VerifierFile, find_verifier, open_verifier
from segrec.weights import PLAIN

LOG = "labels.jsonl"
"""Of a folder: what was labelled with what, then a row for each photograph."""


class _Labelled(NamedTuple):
    """A photograph's files and what became of its words."""

    name: str
    picture: bytes
    suffix: str
    text: bytes
    region: bytes
    accepted: int
    refused: list[str]

    def write(self, folder: Path) -> None:
        """Write the files; the text mask is the last."""
        write_bytes(folder / "images" / f"{self.name}{self.suffix}", self.picture)
        write_bytes(folder / "region" / f"{self.name}.png", self.region)
        write_bytes(folder / "text" / f"{self.name}.png", self.text)


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
) -> LabelResult:
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
    labels = labels_of(partial(_labeller, data, file, threshold, device), range(start, last), workers=workers)
    with progress_bar(max(start, last), "masks", "photograph", initial=start) as bar:
        for step, one in enumerate(labels, start + 1):
            one.write(folder)
            append_jsonl(log, {"step": step, "name": one.name, "accepted": one.accepted, "refused": one.refused})
            bar.update()
    rows = _rows(log)[1:]
    refused = dict(Counter(reason for row in rows for reason in row["refused"]).most_common())
    result = LabelResult(folder, len(rows), len(rows) - start, sum(row["accepted"] for row in rows), refused)
    result.log_refused()
    return result


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


class _SceneLabeller:
    """Labels photographs by their positions."""

    def __init__(self, scenes: TranscribedImages, verifier: Verifier, threshold: float) -> None:
        self._scenes, self._verifier, self._threshold = scenes, verifier, threshold

    def label(self, place: int) -> _Labelled:
        sample, path = self._scenes.sample(place), self._scenes.path(place)
        words = self._scenes.words(place)
        truth = label_scene(sample.image, words, self._verifier, threshold=self._threshold)
        assert sample.region is not None
        picture, suffix = _as_stored(path, sample.image)
        return _Labelled(
            self._scenes.name(place),
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


def _labeller(data: str, file: VerifierFile, threshold: float, device: str) -> _SceneLabeller:
    return _SceneLabeller(open_scenes(data), open_verifier(file, device=device), threshold)

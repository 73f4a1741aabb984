"""Predicting a mask for every word of a database and storing it beside the database."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from segmenter.loading import load_segmenter
from segmenter.predictor import TorchSegmenter
from segrec.core.checkpoint import state_digest
from segrec.core.errors import ConfigError
from segrec.core.memory import give_back_freed
from segrec.core.runlog import LOGGER, progress_bar
from segrec.data.masks.record import VERSION, MaskRecord, MaskSize, SegmenterRecord, SourceRecord, shard_span
from segrec.data.masks.writer import MaskStoreWriter, begun_record
from segrec.data.words import WordLmdb
from segrec.jobs.mask_stream import encoded_masks, pieces
from segrec.jobs.precompute_settings import Precomputing
from segrec.weights import resolve_weights

Item = TypeVar("Item")

CHUNK = 512
"""Words that are predicted together and written in one transaction; fixed, because a store's bytes depend on it."""
CLEAR_EVERY = 4.0
"""Seconds after which memory that was freed is given back; every 2 cost 3% of the time, every 10 hardly anything."""


class MaskLayout(NamedTuple):
    """What differs between stores of several versions of segrec, see `MaskRecord`."""

    mask_size: MaskSize
    version: int


LATEST = MaskLayout("working", VERSION)


@dataclass(frozen=True)
class PrecomputeResult:
    """What a run did.

    Attributes:
        store: the mask store.
        words: masks that this shard now holds.
        predicted: masks that this run added.
        unreadable: words of this run whose image could not be decoded; they are stored as empty.
    """

    store: Path
    words: int
    predicted: int
    unreadable: int


def precompute_masks(
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    segmenter: str | os.PathLike[str] = Precomputing.segmenter,
    shard: tuple[int, int] = (1, 1),
    limit: int | None = None,
    batch_size: int = Precomputing.batch_size,
    workers: int = Precomputing.workers,
    device: str = Precomputing.device,
    amp: str = Precomputing.amp,
) -> PrecomputeResult:
    """Predict and store the text masks of a word database; run again, it goes on where it stopped.

    Memory does not grow with the number of words, and nothing reads the whole database at the start.

    Args:
        data: a word lmdb; opened read-only.
        output: the mask store's folder.
        segmenter: a shipped name, run directory or weights file.
        shard: (number from 1, count): which contiguous part of the words to do.
        limit: only the first words.
        batch_size: crops in the network at once, see `encoded_masks`; the masks do not depend on it.
        workers: threads that decode pictures ahead of the network, and encode masks.

    Raises:
        DataError: the database or the store cannot be read, or the store is of something else.
        CheckpointError: the segmenter's weights cannot be read.
    """
    words = WordLmdb(data)
    count = words_to_do(words, limit)
    if not 1 <= shard[0] <= shard[1]:
        raise ConfigError(f"--shard must be I/N with 1 <= I <= N, got {shard[0]}/{shard[1]}")
    network, segmenter_record = open_segmenter(segmenter, device=device, amp=amp)
    record = predicted_record(words, network, segmenter_record, count=count, layout=layout_of(output))
    return precompute_shard(words, output, network, record, shard=shard, batch_size=batch_size, workers=workers)


def words_to_do(words: WordLmdb, limit: int | None) -> int:
    """Return how many words get a mask, the first ones.

    Raises:
        ConfigError: there are none.
        DataError: the database has not as many records.
    """
    count = words.count(limit)
    if count < 1:
        raise ConfigError(f"{words.path} has no words to predict masks for (num-samples {len(words)}, --limit {limit})")
    return count


def layout_of(output: str | os.PathLike[str]) -> MaskLayout:
    """Return the layout of the masks that a store gets: that of those it holds, which an older segrec may have begun.

    Raises:
        DataError: what it holds is damaged.
    """
    begun = begun_record(output)
    if begun is None or begun.kind != "predicted" or begun.version == VERSION:
        return LATEST
    if begun.mask_size == "crop":
        how, better = "at the size of the word images", "Masks of small words keep more"
    else:
        how, better = "of tall words as they stand", "Masks of words that run up or down are better"
    LOGGER.info(
        "%s was begun by an older segrec, with masks %s; it stays so. %s in a new store: name another output",
        *(output, how, better),
    )
    return MaskLayout(begun.mask_size, begun.version)


def predicted_record(
    words: WordLmdb, network: TorchSegmenter, segmenter: SegmenterRecord, *, count: int, layout: MaskLayout = LATEST
) -> MaskRecord:
    """Return the record of a store that holds predicted masks of the first `count` words."""
    return MaskRecord(
        kind="predicted",
        source=SourceRecord.of(words),
        segmenter=segmenter,
        input_size=(network.working_height, None),
        span=(1, count),
        mask_size=layout.mask_size,
        version=layout.version,
    )


def precompute_shard(
    words: WordLmdb,
    output: str | os.PathLike[str],
    network: TorchSegmenter,
    record: MaskRecord,
    *,
    shard: tuple[int, int] = (1, 1),
    batch_size: int = Precomputing.batch_size,
    workers: int = Precomputing.workers,
) -> PrecomputeResult:
    """Predict and store the masks that one shard still lacks, with a segmenter that is open already.

    The shard's bytes depend on the words, the network, the record and the shard alone.

    Args:
        words: the database that `record` names.
        output: the mask store's folder.
        network: as `open_segmenter` gives it.
        record: of the whole store, see `predicted_record`.
        shard: (number from 1, count).
        batch_size: crops in the network at once, see `encoded_masks`; the masks do not depend on it.
        workers: threads that decode pictures ahead of the network, and encode masks.

    Raises:
        DataError: the database or the store cannot be read or written, or the store is of something else.
    """
    first, last = shard_span(record.span, shard)
    network, unreadable = network.turning(record.turns_tall), 0
    with MaskStoreWriter.open(output, record, shard=shard) as writer:
        start = writer.next_index
        if start > first:
            LOGGER.info("%s holds masks %d to %d; going on", output, first, start - 1)
        todo = pieces(record.span, start, last, chunk=CHUNK)
        what = "masks" if shard[1] == 1 else f"masks of shard {shard[0]}/{shard[1]}"
        with progress_bar(last - first + 1, what, "word", initial=start - first) as bar:
            loading = {"batch_size": batch_size, "workers": workers}
            coming = encoded_masks(words, network, writer.encode, todo=todo, size=record.mask_size, **loading)
            for begin, values in _clearing(coming):
                writer.write_encoded(begin, values)
                unreadable += values.count(b"")
                bar.update(len(values))
        writer.finish()
    if unreadable:
        LOGGER.warning("%d words of %s have no readable image; their masks are stored as empty", unreadable, words.path)
    return PrecomputeResult(Path(output), last - first + 1, last + 1 - start, unreadable)


def _clearing(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items, and give freed memory back from time to time."""
    cleared = time.monotonic()
    for item in items:
        yield item
        if time.monotonic() - cleared >= CLEAR_EVERY:
            give_back_freed()
            cleared = time.monotonic()


def open_segmenter(
    weights: str | os.PathLike[str], *, device: str = "auto", amp: str = "off"
) -> tuple[TorchSegmenter, SegmenterRecord]:
    """Return a segmenter that takes every picture for a word crop, and its record."""
    path = resolve_weights(weights)
    model = load_segmenter(path)
    digest = state_digest(model.state_dict())
    return TorchSegmenter(model, device=device, amp=amp, scene_height=None), SegmenterRecord(path.stem, digest)

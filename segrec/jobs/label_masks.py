"""Finding the masks of real words by reading their binarisations, and storing them."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from segrec.core.errors import ConfigError
from segrec.core.interrupt import held_interrupts
from segrec.core.runlog import LOGGER, progress_bar
from segrec.core.workers import worker_processes
from segrec.data.labelling.acceptance import METHOD, Verifier, label_mask
from segrec.data.labelling.binarise import HEIGHT
from segrec.data.labelling.reasons import REASONS, THRESHOLD, Reason
from segrec.data.masks.codec import EXACT_CODEC, hole, mask_codec
from segrec.data.masks.record import MaskRecord, SourceRecord, VerifierRecord
from segrec.data.masks.store import MaskStore
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import WordLmdb
from segrec.jobs.precompute import words_to_do
from segrec.jobs.verifiers import VerifierFile, find_verifier, open_verifier
from segrec.weights import PLAIN

CHUNK = 32
"""Words a transaction; fixed, because a store's bytes depend on it."""
CHUNKS_AHEAD = 2
WORDS_A_TASK = 4

_labeller: _Labeller | None = None


@dataclass(frozen=True)
class LabelResult:
    """What a run did.

    Attributes:
        store: the mask store.
        words: those that the store now covers.
        added: those that this run dealt with.
        accepted: words with a mask.
        refused: the others, by a key of `REASONS`, the most frequent first.
    """

    store: Path
    words: int
    added: int
    accepted: int
    refused: dict[str, int]

    @property
    def counts(self) -> str:
        """What was labelled, in words."""
        return f"{self.accepted} masks of {self.words} words ({self.added} new)"


def label_masks(
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    verifier: str | os.PathLike[str] = PLAIN,
    threshold: float = THRESHOLD,
    limit: int | None = None,
    workers: int = 1,
    device: str = "auto",
) -> LabelResult:
    """Store a mask for each word that has one which reads as its label; run again, it goes on where it stopped.

    The store's bytes depend on the words, the verifier, the threshold and the limit alone, wherever a run was stopped
    and however many workers there were.

    Args:
        data: a word lmdb; opened read-only.
        output: the mask store's folder.
        verifier: see `find_verifier`.
        threshold: the verifier's least mean confidence in the characters of a reading, in [0, 1].
        limit: only the first words.
        workers: processes that label.

    Raises:
        ConfigError: the verifier needs masks itself, or the threshold is out of range.
        CheckpointError: the verifier cannot be read.
        DataError: the database or the store cannot be read or written, or the store is of something else.
        LibraryError: the verifier needs a library that is missing.
    """
    if not 0 <= threshold <= 1:
        raise ConfigError(f"--threshold must be from 0 to 1, got {threshold}")
    words, file = WordLmdb(data), find_verifier(verifier)
    record = verified_record(words, file, threshold, count=words_to_do(words, limit))
    with MaskStoreWriter.open(output, record) as writer:
        start, last = writer.next_index, writer.span[1]
        if start > 1:
            LOGGER.info("%s holds words 1 to %d; going on", output, start - 1)
        with progress_bar(last, "masks", "word", initial=start - 1) as bar:
            for values in _labelled(words, file, range(start, last + 1), threshold, workers=workers, device=device):
                writer.write_encoded(writer.next_index, values)
                bar.update(len(values))
        writer.finish()
    refused = dict(Counter(reason for _, reason in MaskStore(output).holes()).most_common())
    for reason, count in refused.items():
        LOGGER.info("%d refused, %s: %s", count, reason, REASONS.get(reason, reason))
    return LabelResult(Path(output), last, last + 1 - start, last - sum(refused.values()), refused)


def verified_record(words: WordLmdb, file: VerifierFile, threshold: float, *, count: int) -> MaskRecord:
    """Return the record of a store that holds verified masks of the first `count` words."""
    return MaskRecord(
        kind="verified",
        source=SourceRecord.of(words),
        segmenter=None,
        input_size=(HEIGHT, None),
        span=(1, count),
        codec=EXACT_CODEC,
        verifier=VerifierRecord(file.name, file.digest, float(threshold), METHOD),
    )


class _Labeller:
    """Gives what a store keeps for words, by their 1-based indices."""

    def __init__(self, words: WordLmdb, verifier: Verifier, threshold: float) -> None:
        self._words, self._verifier, self._threshold = words, verifier, threshold
        self._encode = mask_codec(EXACT_CODEC).encode

    def value(self, index: int) -> bytes:
        word = self._words[index - 1]
        if word.image is None:
            unreadable: Reason = "no image"
            return hole(unreadable)
        verdict = label_mask(word.image, word.label, self._verifier, threshold=self._threshold)
        return hole(verdict.reason or "") if verdict.mask is None else self._encode(verdict.mask)


def _labelled(
    words: WordLmdb, file: VerifierFile, indices: range, threshold: float, *, workers: int, device: str
) -> Iterator[list[bytes]]:
    """Yield what a store keeps for the words of each chunk, in order; chunks are counted from the first word."""
    chunks = [range(max(begin, indices.start), min(begin + CHUNK, indices.stop)) for begin in _begins(indices)]
    if workers <= 1:
        labeller = _Labeller(words, open_verifier(file, device=device), threshold)
        with held_interrupts() as held:
            for chunk in chunks:
                values = []
                for index in chunk:
                    held.check()
                    values.append(labeller.value(index))
                yield values
        return
    open_verifier(file)  # so that what is wrong with it is said here, not by a worker
    with worker_processes(workers, _start_worker, words, file, threshold, device) as submit:
        waiting: deque[list[Callable[[], list[bytes]]]] = deque()
        for chunk in chunks:
            tasks = [chunk[first : first + WORDS_A_TASK] for first in range(0, len(chunk), WORDS_A_TASK)]
            waiting.append([submit(_values, task) for task in tasks])
            if len(waiting) > CHUNKS_AHEAD:
                yield [value for pending in waiting.popleft() for value in pending()]
        while waiting:
            yield [value for pending in waiting.popleft() for value in pending()]


def _begins(indices: range) -> range:
    return range(indices.start - (indices.start - 1) % CHUNK, indices.stop, CHUNK)


def _start_worker(words: WordLmdb, file: VerifierFile, threshold: float, device: str) -> None:
    global _labeller
    torch.set_num_threads(1)
    _labeller = _Labeller(words, open_verifier(file, device=device), threshold)


def _values(indices: range) -> list[bytes]:
    assert _labeller is not None
    return [_labeller.value(index) for index in indices]

"""Finding the masks of real words by reading their binarisations, and storing them."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from pathlib import Path

from segrec.core.errors import ConfigError
from segrec.core.runlog import LOGGER, progress_bar
from segrec.data.labelling.acceptance import METHOD, Verifier, label_mask
from segrec.data.labelling.binarise import HEIGHT
from segrec.data.labelling.reasons import THRESHOLD, Reason
from segrec.data.masks.codec import EXACT_CODEC, hole, mask_codec
from segrec.data.masks.record import MaskRecord, SourceRecord, VerifierRecord
from segrec.data.masks.store import MaskStore
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import WordLmdb
from segrec.jobs.labellers import LabelResult, labels_of
from segrec.jobs.precompute import words_to_do
from segrec.jobs.verifiers import VerifierFile, find_verifier, open_verifier
from segrec.weights import PLAIN

CHUNK = 32
"""Words a transaction; fixed, because a store's bytes depend on it."""


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
        labels = labels_of(partial(_labeller, words, file, threshold, device), range(start, last + 1), workers=workers)
        with progress_bar(last, "masks", "word", initial=start - 1) as bar:
            for chunk in _chunks(range(start, last + 1)):
                writer.write_encoded(writer.next_index, [next(labels) for _ in chunk])
                bar.update(len(chunk))
        writer.finish()
    refused = dict(Counter(reason for _, reason in MaskStore(output).holes()).most_common())
    result = LabelResult(Path(output), last, last + 1 - start, last - sum(refused.values()), refused)
    result.log_refused()
    return result


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


class _WordLabeller:
    """Gives what a store keeps for words, by their 1-based indices."""

    def __init__(self, words: WordLmdb, verifier: Verifier, threshold: float) -> None:
        self._words, self._verifier, self._threshold = words, verifier, threshold
        self._encode = mask_codec(EXACT_CODEC).encode

    def label(self, place: int) -> bytes:
        word = self._words[place - 1]
        if word.image is None:
            unreadable: Reason = "no image"
            return hole(unreadable)
        verdict = label_mask(word.image, word.label, self._verifier, threshold=self._threshold)
        return hole(verdict.reason or "") if verdict.mask is None else self._encode(verdict.mask)


def _labeller(words: WordLmdb, file: VerifierFile, threshold: float, device: str) -> _WordLabeller:
    return _WordLabeller(words, open_verifier(file, device=device), threshold)


def _chunks(indices: range) -> list[range]:
    """Return the words of each transaction; they are counted from the first word, wherever a run goes on."""
    begins = range(indices.start - (indices.start - 1) % CHUNK, indices.stop, CHUNK)
    return [range(max(begin, indices.start), min(begin + CHUNK, indices.stop)) for begin in begins]

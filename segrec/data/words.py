"""Word databases in the standard LMDB layout: `image-%09d`, `label-%09d` and `num-samples`, 1-based."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from segrec.core.errors import DataError
from segrec.core.images import decode_image
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.lmdb_io import LmdbReader, commit, publish
from segrec.core.lock import lock_folder

COUNT_KEY = b"num-samples"
DIGEST_SAMPLES = 64
MOST_WORDS = 999_999_999
"""What nine digits of a key can number."""
MOST_DIGITS = 18
"""Of `num-samples`; a longer number is damage, and no length that Python allows."""
MOST_LABEL_BYTES = 10_000
"""Of a label; a longer one is taken for damage."""
MAX_WORD_PIXELS = 16_000_000
"""A word's picture that declares more is taken for damage: a whole photograph of 4000 x 4000 still passes."""
PARTIAL_FILE = f".{DATA_FILE}.partial"


@dataclass(frozen=True, slots=True)
class StoredWord:
    """One sample: `image` is (H, W, 3) uint8 RGB, or None when `problem` says in words why it is unusable."""

    index: int
    """1-based, as in the database's keys."""
    image: NDArray[np.uint8] | None
    label: str
    problem: str | None


def image_key(index: int) -> bytes:
    """Return the database key of the image with the 1-based `index`."""
    return b"image-%09d" % index


def label_key(index: int) -> bytes:
    """Return the database key of the label with the 1-based `index`."""
    return b"label-%09d" % index


class WordLmdb:
    """The words of an lmdb folder, read-only and by position; opening reads one key, whatever the size.

    A damaged page ends the process that reads it, without an exception: have databases of strangers read by
    `segrec.verify` first, which does so in another process.

    Picklable, and usable in forked workers: each process opens the database for itself. All that is read is of one
    state of the database: once something writes to it or replaces it, every access raises DataError.

    Args:
        path: the folder that holds `data.mdb`.

    Raises:
        DataError: the folder is not a word database, or its data file is damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._reader = LmdbReader(path, steady=True)
        self._length = self._read_length()

    def _read_length(self) -> int:
        value = self._reader.get(COUNT_KEY)
        if value is None:
            raise DataError(
                f"{self.path} has no `num-samples`: it is not a word database or was never finished; "
                "check the path, or make it again"
            )
        if not value.strip().isdigit() or len(value) > MOST_DIGITS:
            raise DataError(f"{self.path}: `num-samples` is {value[:20]!r}, expected a decimal number; make it again")
        if int(value) > MOST_WORDS:
            raise DataError(f"{self.path}: `num-samples` is {int(value)}, but keys have nine digits; make it again")
        return int(value)

    def count(self, limit: int | None = None) -> int:
        """Return how many words there are to go through: the first `limit`, or all.

        Raises:
            DataError: the database declares more words than it holds.
        """
        wanted = len(self) if limit is None else min(limit, len(self))
        if wanted > self._reader.entries:  # each word has two, and one where its image or label is missing
            held = f"the database holds only {self._reader.entries} records"
            raise DataError(f"{self.path}: `num-samples` is {len(self)}, but {held}; make it again")
        return wanted

    @property
    def name(self) -> str:
        """The folder's name, for reports and records."""
        return Path(self._reader.path).name

    @property
    def revision(self) -> str:
        """LMDB's number of the last transaction and the last page; whatever is written, even unsampled, raises one.

        A copy of the file has the same; one that LMDB's own tools compacted, or a database made again, may not.
        """
        return f"{self._reader.revision.transaction}-{self._reader.revision.last_page}"

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, position: int) -> StoredWord:
        """Return the word at the 0-based `position`; bad samples come back with `image` None and a `problem`."""
        index = self._index(position)
        data, raw_label = self._reader.get_many([image_key(index), label_key(index)])
        label, problem = _read_label(raw_label, index)
        if data is None:
            problem = f"image-{index:09d} is missing"
        if problem is not None or data is None:
            return StoredWord(index, None, label, problem)
        try:
            return StoredWord(index, decode_image(data, max_pixels=MAX_WORD_PIXELS), label, None)
        except DataError as error:
            return StoredWord(index, None, label, f"image-{index:09d}: {error}")

    def __iter__(self) -> Iterator[StoredWord]:
        return (self[position] for position in range(len(self)))

    def label(self, position: int) -> str | None:
        """Return the label at the 0-based `position` without touching the image; None when missing or not UTF-8."""
        index = self._index(position)
        label, problem = _read_label(self._reader.get(label_key(index)), index)
        return label if problem is None else None

    def image_bytes(self, position: int) -> bytes | None:
        """Return the encoded image at the 0-based `position`, or None when the database lacks it."""
        return self._reader.get(image_key(self._index(position)))

    def release(self) -> None:
        """Give back the memory of what was read so far, see `LmdbReader.release`."""
        self._reader.release()

    def _index(self, position: int) -> int:
        if not 0 <= position < self._length:
            raise IndexError(f"position {position} is outside {self.path}, which has {self._length} words")
        return position + 1

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) over `num-samples` and at most 64 evenly spaced samples' images and labels.

        Sampled, so that a database of millions is known in milliseconds: a change between the sampled samples that
        keeps the count goes unseen.
        """
        digest = hashlib.sha256(b"%d\n" % self._length)
        for index in evenly_spaced(self._length, DIGEST_SAMPLES):
            keys = [image_key(index), label_key(index)]
            for key, value in zip(keys, self._reader.get_many(keys), strict=True):
                digest.update(b"%s %d\n" % (key, -1 if value is None else len(value)))
                digest.update(value or b"")
        return digest.hexdigest()


def _read_label(raw: bytes | None, index: int) -> tuple[str, str | None]:
    """Return (label, problem); the label is empty when there is a problem."""
    if raw is None:
        return "", f"label-{index:09d} is missing"
    if len(raw) > MOST_LABEL_BYTES:
        return "", f"label-{index:09d} has {len(raw):,} bytes, which no word has"
    try:
        return raw.decode("utf-8"), None
    except UnicodeDecodeError:
        return "", f"label-{index:09d} is not UTF-8"


def evenly_spaced(length: int, count: int) -> list[int]:
    """Return at most `count` 1-based indices from 1 to `length`, both ends included."""
    if length <= count:
        return list(range(1, length + 1))
    return [1 + step * (length - 1) // (count - 1) for step in range(count)]


class WordWriter:
    """A new word database; it appears under `path` whole, when `close` is called or the `with` block ends well.

    The same samples in the same order give the same bytes.

    Args:
        path: the folder to hold `data.mdb`; made when absent.
        overwrite: replace a database that is already there (it stays readable until the new one is whole).
        samples_per_commit: how many samples are held in memory between two writes.

    Raises:
        DataError: there is a database already, another process writes it, or the disk is full.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, overwrite: bool = False, samples_per_commit: int = 1000
    ) -> None:
        self.path = Path(path)
        self._samples_per_commit = samples_per_commit
        self._partial = self.path / PARTIAL_FILE
        self._pending: list[tuple[bytes, bytes]] = []
        self._count = 0
        if (self.path / DATA_FILE).exists() and not overwrite:
            raise DataError(f"{self.path} already holds a database; choose another output or ask to overwrite it")
        self._lock = lock_folder(self.path)
        self._partial.unlink(missing_ok=True)

    def add(self, image: bytes, label: str) -> int:
        """Append one sample, the encoded image and its label, and return its 1-based index."""
        if not self._lock.held:
            raise ValueError(f"the writer of {self.path} is closed")
        self._count += 1
        self._pending += [(image_key(self._count), image), (label_key(self._count), label.encode("utf-8"))]
        if len(self._pending) >= 2 * self._samples_per_commit:
            self._flush()
        return self._count

    def note(self, key: bytes, value: bytes) -> None:
        """Store something about the whole database beside the samples."""
        self._pending.append((key, value))

    def _flush(self) -> None:
        commit(self._partial, self._pending, durable=False)
        self._pending = []

    def close(self) -> None:
        """Write `num-samples` and give the database its name; a second call does nothing."""
        if self._lock.held:
            self._pending.append((COUNT_KEY, b"%d" % self._count))
            self._flush()
            publish(self._partial, self.path)
            self._lock.release()

    def discard(self) -> None:
        """Throw away what was added; a database that was there before stays."""
        self._partial.unlink(missing_ok=True)
        self._lock.release()

    def __enter__(self) -> WordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

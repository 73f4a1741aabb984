"""How far a shard has come, with a digest of its masks and a seal over what it says of itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from segrec.core.errors import DataError
from segrec.core.lmdb_io import LmdbReader
from segrec.data.masks.record import PROGRESS_KEY, RECORD_KEY, MaskRecord, shard_span

SEAL_KEY = b"seal"
FIRST_SEALED = 2
"""The first version of the record whose shards hold a digest and a seal."""
READ_AT_ONCE = 512
_MODULUS = 1 << 256
_DELETE = "delete this folder and run again"


def mask_key(index: int) -> bytes:
    """Return the key of the mask that belongs to the image with the 1-based `index`."""
    return b"mask-%09d" % index


def digest_of(masks: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the sum modulo 2**256 of the SHA-256 of each mask's key and value.

    A sum grows with the masks, whatever the writes, and those of shards add up to that of the whole store, however it
    is cut. It guards against damage, not against forgers.
    """
    hashes = (hashlib.sha256(key + b"\n" + value).digest() for key, value in masks)
    return add_digests(int.from_bytes(part, "big") for part in hashes)


def add_digests(digests: Iterable[int]) -> int:
    """Return the digest of all the masks of which `digests` are parts."""
    return sum(digests) % _MODULUS


def in_words(digest: int) -> str:
    """Return a digest as 64 hexadecimal figures."""
    return f"{digest:064x}"


@dataclass(frozen=True)
class ShardState:
    """What a shard says of itself; it changes in the transaction in which its masks do.

    Attributes:
        record: of the store that the shard belongs to.
        last_index: 1-based index of the last mask stored, one before the shard's span when none is.
        digest: `digest_of` its masks; None in shards of version 1, which hold none.
    """

    record: MaskRecord
    last_index: int
    digest: int | None = 0

    def advanced(self, masks: Sequence[tuple[bytes, bytes]]) -> ShardState:
        """Return the state once `masks`, (key, value) pairs, are stored too."""
        digest = None if self.digest is None else add_digests([self.digest, digest_of(masks)])
        return ShardState(self.record, self.last_index + len(masks), digest)

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return the (key, value) pairs to store beside the record and the masks."""
        progress = (PROGRESS_KEY, b"%d" % self.last_index)
        return [progress] if self.digest is None else [progress, (SEAL_KEY, self._seal(self.digest))]

    def _seal(self, digest: int) -> bytes:
        """Return the digest of the masks, and one over the record, the progress and that digest."""
        masks = in_words(digest).encode()
        claims = hashlib.sha256(b"%s\n%d\n%s" % (self.record.to_json(), self.last_index, masks))
        return b"%s %s" % (masks, claims.hexdigest().encode())

    @classmethod
    def read(cls, folder: Path, shard: tuple[int, int]) -> ShardState:
        """Return what the shard (number from 1, count) in `folder` says of itself.

        Raises:
            DataError: its record or progress is damaged, or the seal does not fit them.
        """
        stored, progress, seal = LmdbReader(folder).get_many([RECORD_KEY, PROGRESS_KEY, SEAL_KEY])
        record = MaskRecord.from_json(stored or b"", folder)
        first, last = shard_span(record.span, shard)
        if not re.fullmatch(rb"[0-9]{1,18}", progress or b"") or not first - 1 <= int(progress or b"") <= last:
            raise DataError(f"{folder} has a damaged progress {(progress or b'')[:40]!r}; {_DELETE}")
        state = cls(record, int(progress or b""), None if record.version < FIRST_SEALED else _leading_digest(seal))
        if [record.to_json(), *dict(state.items()).values()] != [v for v in (stored, progress, seal) if v is not None]:
            raise DataError(f"{folder}: its record, progress or seal was altered after it was written; {_DELETE}")
        return state


def _leading_digest(seal: bytes | None) -> int:
    """Return the digest with which a seal begins, 0 when it begins otherwise; the rest of the seal tells."""
    figures = (seal or b"")[:64]
    return int(figures, 16) if all(figure in b"0123456789abcdef" for figure in figures) and figures else 0


def recomputed_digest(folder: Path, first: int, last: int) -> int:
    """Return `digest_of` the masks with the 1-based indices `first` to `last` that the shard in `folder` holds now.

    Raises:
        DataError: one of them is lost, or the database cannot be read.
    """
    reader, digest = LmdbReader(folder), 0
    for begin in range(first, last + 1, READ_AT_ONCE):
        keys = [mask_key(index) for index in range(begin, min(begin + READ_AT_ONCE, last + 1))]
        masks = []
        for key, value in zip(keys, reader.get_many(keys), strict=True):
            if value is None:
                raise DataError(f"{folder} has lost {key.decode()}; {_DELETE}")
            masks.append((key, value))
        digest = add_digests([digest, digest_of(masks)])
    return digest

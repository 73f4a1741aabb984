"""Word databases, mask stores and where masks come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segrec.core.lazy import lazy_names

if TYPE_CHECKING:
    from segrec.data.masks.record import MaskRecord, SegmenterRecord, SourceRecord
    from segrec.data.masks.sources import MaskSource, RandomMasks, StoredMasks, ZeroMasks
    from segrec.data.masks.store import MaskStore
    from segrec.data.masks.writer import MaskStoreWriter
    from segrec.data.words import StoredWord, WordLmdb, WordWriter

_HOME = {
    "MaskRecord": "masks.record",
    "MaskSource": "masks.sources",
    "MaskStore": "masks.store",
    "MaskStoreWriter": "masks.writer",
    "RandomMasks": "masks.sources",
    "SegmenterRecord": "masks.record",
    "SourceRecord": "masks.record",
    "StoredMasks": "masks.sources",
    "StoredWord": "words",
    "WordLmdb": "words",
    "WordWriter": "words",
    "ZeroMasks": "masks.sources",
}

__all__ = [
    "MaskRecord",
    "MaskSource",
    "MaskStore",
    "MaskStoreWriter",
    "RandomMasks",
    "SegmenterRecord",
    "SourceRecord",
    "StoredMasks",
    "StoredWord",
    "WordLmdb",
    "WordWriter",
    "ZeroMasks",
]

__getattr__ = lazy_names(__name__, _HOME)

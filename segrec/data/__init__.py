"""Word databases, mask stores and where masks come from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segrec.data.mask_record import MaskRecord, SegmenterRecord, SourceRecord
    from segrec.data.mask_sources import MaskSource, RandomMasks, StoredMasks, ZeroMasks
    from segrec.data.mask_store import MaskStore
    from segrec.data.mask_writer import MaskStoreWriter
    from segrec.data.words import Word, WordLmdb, WordWriter

_HOME = {
    "MaskRecord": "mask_record",
    "MaskSource": "mask_sources",
    "MaskStore": "mask_store",
    "MaskStoreWriter": "mask_writer",
    "RandomMasks": "mask_sources",
    "SegmenterRecord": "mask_record",
    "SourceRecord": "mask_record",
    "StoredMasks": "mask_sources",
    "Word": "words",
    "WordLmdb": "words",
    "WordWriter": "words",
    "ZeroMasks": "mask_sources",
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
    "Word",
    "WordLmdb",
    "WordWriter",
    "ZeroMasks",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

"""Word databases, mask stores and where masks come from."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "MaskRecord": "mask_store",
    "MaskSource": "mask_sources",
    "MaskStore": "mask_store",
    "MaskStoreWriter": "mask_writer",
    "RandomMasks": "mask_sources",
    "StoredMasks": "mask_sources",
    "Word": "words",
    "WordLmdb": "words",
    "WordWriter": "words",
    "ZeroMasks": "mask_sources",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

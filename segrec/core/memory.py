"""Memory that nobody needs any more: freed and kept by the C library, or in PyTorch's caches of layers by shape."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache

_CACHES = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")
"""Variables that oneDNN and what PyTorch puts above it look at once, at the first layer that a process computes."""
_KEPT = "16"


def keep_few_layers() -> None:
    """Let PyTorch keep few layers prepared for a shape of input on the CPU, unless the environment says how many.

    It keeps 1024, in two caches. Words of all widths meet a cached one rarely and fill both: with 100 MB within 1,000
    words and 2 MB more with every 1,000. No effect after the first layer was computed.
    """
    for name in _CACHES:
        os.environ.setdefault(name, _KEPT)


def give_back_freed() -> None:
    """Give memory that was freed back to the system, where the C library can be asked to (glibc; elsewhere nothing).

    It keeps what is freed between pieces that are still in use. Where arrays of ever other sizes come and go, as with
    words of all widths, what is kept grows for hours: by 0.2 GB within 200,000 words.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Return glibc's malloc_trim, None where there is none."""
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return None
    return found

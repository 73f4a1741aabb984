"""Memory: a limit for a while, and what nobody needs any more, kept by the C library or in PyTorch's caches."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_CONVOLUTIONS = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
_CACHES = ("LRU_CACHE_CAPACITY", _CONVOLUTIONS)
"""Variables that oneDNN and what PyTorch puts above it look at once, at the first layer that a process computes."""
_KEPT, _MANY_KEPT = "16", "8192"


def keep_few_layers() -> None:
    """Let PyTorch keep few layers prepared for a shape of input on the CPU, unless the environment says how many.

    It keeps 1024, in two caches. Words of all widths meet a cached one rarely and fill both: with 100 MB within 1,000
    words and 2 MB more with every 1,000. No effect after the first layer was computed.
    """
    for name in _CACHES:
        os.environ.setdefault(name, _KEPT)


def keep_convolutions(device: torch.device) -> None:
    """Let oneDNN keep many convolutions, unless the environment or `keep_few_layers` says how many.

    It compiles one for each shape of a batch on the CPU and forgets those used least recently. Batches of crops come in
    so many widths that its own limit of 1024 makes it compile a network again and again. No effect after the first
    layer was computed.

    Args:
        device: of the network that is to run; nothing happens but on the CPU.
    """
    if device.type == "cpu":
        os.environ.setdefault(_CONVOLUTIONS, _MANY_KEPT)


def give_back_freed() -> None:
    """Give memory that was freed back to the system, where the C library can be asked to (glibc; elsewhere nothing).

    It keeps what is freed between pieces that are still in use. Where arrays of ever other sizes come and go, as with
    words of all widths, what is kept grows for hours: by 0.2 GB within 200,000 words.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@contextmanager
def at_most(more: int) -> Iterator[None]:
    """Let this process be given `more` bytes at most, where the system can be asked to (not Windows).

    Raises:
        MemoryError: something asked for more.
    """
    try:
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):  # no Linux
        yield
        return
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    limits = [limit for limit in (before, hard, used + more) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))


@cache
def _trim() -> Callable[[int], int] | None:
    """Return glibc's malloc_trim, None where there is none."""
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return None
    return found

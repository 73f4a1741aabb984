"""Freed memory goes back to the system."""

from __future__ import annotations

import platform
import resource
from pathlib import Path

from segrec.core import memory
from segrec.core.memory import give_back_freed

BLOCK, COUNT, KEPT = 40_000, 3000, 60


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_what_was_freed_between_pieces_still_in_use_goes_back_to_the_system_where_glibc_can_be_asked_to():
    if platform.libc_ver()[0] != "glibc":
        give_back_freed()
        assert memory._trim() is None
        return
    blocks = [bytes([number % 256]) * BLOCK for number in range(COUNT)]
    kept = blocks[::KEPT]
    del blocks
    before = resident()
    give_back_freed()
    assert before - resident() > BLOCK * COUNT // 2
    assert all(block == bytes([KEPT * place % 256]) * BLOCK for place, block in enumerate(kept))


def test_another_c_library_is_left_alone(monkeypatch):
    class Library:
        def __init__(self, name: None) -> None:
            pass

    monkeypatch.setattr(memory.ctypes, "CDLL", Library)
    memory._trim.cache_clear()
    give_back_freed()
    assert memory._trim() is None
    memory._trim.cache_clear()

"""Freed memory goes back to the system, and PyTorch keeps few layers."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

import torch

from segrec.core import memory
from segrec.core.memory import give_back_freed, keep_convolutions, keep_few_layers

ROOT = Path(__file__).parents[2]
WIDTHS = """
import sys, torch
from segrec.core.memory import give_back_freed, keep_few_layers
torch.set_num_threads(1)
if sys.argv[1] == "few":
    keep_few_layers()
layer = torch.nn.Conv2d(32, 32, 3).eval().to(memory_format=torch.channels_last)
def own():
    give_back_freed()
    return int(open("/proc/self/status").read().split("RssAnon:")[1].split()[0])
def convolve(widths):
    for width in widths:
        layer(torch.rand(1, 32, 8, width).to(memory_format=torch.channels_last))
with torch.inference_mode():
    convolve(range(8, 12))
    before = own()
    convolve(range(12, 600))
    print(own() - before)
"""
"""Prints how many kB a process gained over inputs of all widths."""
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


def gained(how: str) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in memory._CACHES}
    done = subprocess.run(
        [sys.executable, "-c", WIDTHS, how],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_layers_of_many_shapes_take_little_memory():
    few, many = gained("few"), gained("many")
    assert few < 0.75 * many, f"{few} of {many} kB"


def test_what_the_environment_says_of_the_caches_stays(monkeypatch):
    first, second = memory._CACHES
    monkeypatch.setenv(first, "7")
    monkeypatch.setenv(second, "to be undone")
    monkeypatch.delenv(second)
    keep_few_layers()
    assert (os.environ[first], os.environ[second]) == ("7", memory._KEPT)


def test_the_environment_says_how_many_convolutions_are_kept(monkeypatch):
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
    keep_convolutions(torch.device("cuda"))
    assert "ONEDNN_PRIMITIVE_CACHE_CAPACITY" not in os.environ
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    keep_convolutions(torch.device("cpu"))
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "64"

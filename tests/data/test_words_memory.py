"""Going through a hundred thousand crops takes the memory of a few."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from forked import Forked

from segrec.core.images import encode_png
from segrec.data.words import WordLmdb, WordWriter

FEW, MANY, AT_ONCE = 10_000, 100_000, 2_000
ALLOWED = 40_000_000
"""Bytes; the decoded pictures would take 270 MB more, the mapped file 60."""


def measure(path: str) -> None:
    """Print the peak of memory, in bytes, after the first words and after all."""
    words, peaks = WordLmdb(path), []
    for position in range(MANY):
        assert words[position].image is not None
        if position % AT_ONCE == 0:
            words.release()
        if position + 1 in (FEW, MANY):
            status = Path("/proc/self/status").read_text()
            peaks.append(int(status.split("VmHWM:")[1].split()[0]) * 1024)
    print(json.dumps(peaks))


def test_a_hundred_thousand_crops_take_no_more_memory_than_ten_thousand(tmp_path: Path):
    colours = np.random.default_rng(0).integers(0, 256, (50, 3), np.uint8)
    pictures = [encode_png(np.full((20, 50, 3), colour, np.uint8)) for colour in colours]
    with WordWriter(tmp_path / "words") as writer:
        for position in range(MANY):
            writer.add(pictures[position % len(pictures)], "word")
    process = Forked(measure, str(tmp_path / "words"), log=tmp_path / "log")
    assert process.join() == 0, process.said()
    few, many = json.loads(process.said().splitlines()[-1])
    assert many - few < ALLOWED, f"{(many - few) / 1e6:.0f} MB more"

"""Precomputing needs the same memory for any number of words, and looks at none that it does not need."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
from forked import Forked

from segrec.cli import main
from segrec.core import lmdb_io
from segrec.core.images import encode_jpeg
from segrec.core.lmdb_io import commit
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb, WordWriter, image_key, label_key
from segrec.jobs import precompute

FEW, MANY, KINDS = 300, 1500, 8
HEIGHT, WIDTH = 64, 256
ALLOWED = (MANY - FEW) * HEIGHT * WIDTH * 3 // 2
"""Bytes; half of what keeping the decoded pictures would take."""


def measure(databases: list[str], weights: str) -> None:
    """Print the peak of memory, in bytes, after the masks of each database."""
    precompute.CHUNK = 50
    peaks = []
    for data in databases:
        assert main(["precompute-masks", "--data", data, "--segmenter", weights, "--quiet"]) == 0
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    print(json.dumps(peaks))


@pytest.fixture
def pictures() -> list[bytes]:
    rng = np.random.default_rng(0)
    smooth = rng.integers(0, 256, (KINDS, 3), dtype=np.uint8)
    return [encode_jpeg(np.full((HEIGHT, WIDTH, 3), colour, dtype=np.uint8)) for colour in smooth]


def write(path: Path, pictures: list[bytes], count: int) -> str:
    with WordWriter(path) as writer:
        for index in range(count):
            writer.add(pictures[index % KINDS], "word")
    return str(path)


def test_the_peak_of_memory_does_not_grow_with_the_number_of_words(tmp_path, pictures):
    from segmenter.loading import save_segmenter
    from segmenter.network import MutuallyGuidedNet

    weights = tmp_path / "thin.safetensors"
    save_segmenter(weights, MutuallyGuidedNet(width=2, working_height=16))
    databases = [write(tmp_path / str(count), pictures, count) for count in (FEW, MANY)]
    process = Forked(measure, databases, str(weights), log=tmp_path / "log")
    assert process.join() == 0, process.said()
    few, many = json.loads(process.said().splitlines()[-1])
    assert MaskStore(f"{databases[1]}-masks").done == MANY
    assert many - few < ALLOWED, f"{(many - few) / 1e6:.0f} MB more"


def test_a_huge_database_is_opened_without_looking_through_it(segrec, tmp_path, pictures, monkeypatch):
    data = tmp_path / "huge"
    data.mkdir()
    samples = [
        pair for index in range(1, 65) for pair in ((image_key(index), pictures[0]), (label_key(index), b"word"))
    ]
    commit(data / "data.mdb", [*samples, (b"num-samples", b"1000000")])
    asked: list[bytes] = []
    read = lmdb_io.LmdbReader._read
    monkeypatch.setattr(lmdb_io.LmdbReader, "_read", lambda self, keys: asked.extend(keys) or read(self, keys))

    code, out, err = segrec("precompute-masks", "--data", data, "--output", tmp_path / "store", "--limit", "64")
    assert code == 0, err
    assert "64 masks (64 new, 0 without an image)" in out
    assert len(WordLmdb(data)) == 1_000_000
    assert len(asked) < 64 * 2 * 2 + 100  # each word once, and the sampled digest

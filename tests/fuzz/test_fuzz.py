"""A few hundred damaged files of each kind; the nightly workflow tries them for a minute each, with other seeds."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from campaign import campaign, limit_memory
from forked import Forked
from mutations import mutated
from targets import TARGETS

FILES = 250


def fuzz(name: str) -> None:
    """Print how many files were tried and read, in a process of its own whose memory is limited."""
    limit_memory()
    print(json.dumps(campaign(name, seed=1, seconds=100, files=FILES)))


@pytest.mark.parametrize("name", TARGETS)
def test_a_damaged_file_is_read_or_refused_in_one_line(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    process = Forked(fuzz, name, log=tmp_path / "log")
    assert process.join() == 0, process.said()
    tried, read = json.loads(process.said().splitlines()[-1])
    with capsys.disabled():
        print(f" {name}: {tried} tried, {read} read", end="")
    assert tried == FILES and read >= len(TARGETS[name].seeds()) - (name == "release list")


def test_the_same_seed_gives_the_same_damage():
    seeds = [b"abcdefghij" * 5, b"0123456789"]
    first, again, other = (list(itertools.islice(mutated(seeds, seed), 40)) for seed in (3, 3, 4))
    assert first == again and first != other and first[:2] == seeds and len(set(first)) > 30

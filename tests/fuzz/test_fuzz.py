"""A few hundred damaged files of each kind; the nightly workflow tries them for a minute each, with other seeds."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from campaign import campaign, limit_memory
from forked import Forked
from mutations import mutated
from targets import TARGETS

FILES = 250
REFUSED_SEEDS = {"release list": 1, "network in ONNX": 2}
"""Seeds that are refused as they are: a list of another kind, networks that name other files."""


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
    assert tried == FILES and read >= len(TARGETS[name].seeds()) - REFUSED_SEEDS.get(name, 0)


def test_the_same_seed_gives_the_same_damage():
    seeds = [b"abcdefghij" * 5, b"0123456789"]
    first, again, other = (list(itertools.islice(mutated(seeds, seed), 40)) for seed in (3, 3, 4))
    assert first == again and first != other and first[:2] == seeds and len(set(first)) > 30


ATHERIS = """
import contextlib, pathlib, sys

@contextlib.contextmanager
def instrument_imports(include):
    assert "targets" not in sys.modules and "segrec.core.recipe" not in sys.modules
    yield

def Setup(arguments, one):
    global tried
    assert "-max_total_time=1" in arguments and "-seed=5" in arguments
    tried = [(one, file.read_bytes()) for file in pathlib.Path(arguments[-1]).iterdir()]

def Fuzz():
    for one, data in tried:
        one(data)
    sys.exit(0)
"""


def test_damage_is_guided_where_atheris_is_installed(tmp_path: Path):
    (tmp_path / "atheris.py").write_text(ATHERIS)
    root = Path(__file__).parents[2]
    command = [sys.executable, root / "tests/fuzz/campaign.py", "recipe", "--seconds=1", "--seed=5"]
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{tmp_path}"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "recipe, guided by coverage, seed 5\n"), ended.stderr

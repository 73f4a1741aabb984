"""Every benchmark can be started: what its modules import is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
NAMES = (
    *("recognizers", "segmenter", "crf", "mser", "precompute", "mask-codecs", "onnx", "peers", "reader", "render"),
    *("slowdown", "training-step"),
)


def test_the_script_runs_by_itself_and_lists_every_benchmark():
    command = [sys.executable, str(ROOT / "scripts" / "benchmark.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    listed = done.stdout.partition("Commands:")[2].split("\n")
    assert {line.split()[0] for line in listed if line.strip()} >= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_says_what_it_does(name):
    from benchmark import main

    assert isinstance(main, click.Group) and set(main.commands) == set(NAMES)
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output and "--help" in result.output

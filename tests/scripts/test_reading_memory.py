"""Reading words over and over does not take ever more memory."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from segrec.rendering.writing import render_words

ROOT = Path(__file__).parents[2]
WORDS, MOST = 3000, 60
"""Words that are read, and megabytes by which a process may grow after the first thousand."""


def test_thousands_of_words_are_read_in_the_memory_of_the_first_ones(tmp_path: Path):
    render_words(tmp_path / "words", 60, seed=1)
    command = [sys.executable, "scripts/reading_memory.py", tmp_path / "words", f"--count={WORDS}", f"--most={MOST}"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(rf"^\| +1000 \|.*^\| +{WORDS - 1000} \|", ended.stdout, re.MULTILINE | re.DOTALL), ended.stdout


def test_growth_beyond_what_is_allowed_is_told_by_the_exit_code(tmp_path: Path):
    render_words(tmp_path / "words", 4, seed=1)
    command = [sys.executable, "scripts/reading_memory.py", tmp_path / "words", "--count=8", "--most=-1000000"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1

"""The last words of a database are kept for testing, byte for byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from segrec.data.words import WordLmdb
from segrec.rendering.writing import render_words

ROOT = Path(__file__).parents[2]


def split(words: Path, folder: Path, count: int) -> subprocess.CompletedProcess[str]:
    parts = ["--train", folder / "train", "--test", folder / "test", f"--count={count}"]
    command = [sys.executable, "scripts/hold_out.py", words, *parts]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_parts_are_the_words_in_their_order(tmp_path: Path):
    render_words(tmp_path / "words", 7, seed=1)
    ended = split(tmp_path / "words", tmp_path, 2)
    assert ended.stdout == f"{tmp_path / 'train'}: 5 words\n{tmp_path / 'test'}: 2 words\n", ended.stderr
    whole = WordLmdb(tmp_path / "words")
    parts = [WordLmdb(tmp_path / name) for name in ("train", "test")]
    given = [(part.image_bytes(place), part.label(place)) for part in parts for place in range(len(part))]
    assert given == [(whole.image_bytes(place), whole.label(place)) for place in range(7)]


def test_nothing_left_to_train_on_is_refused(tmp_path: Path):
    render_words(tmp_path / "words", 2, seed=1)
    ended = split(tmp_path / "words", tmp_path, 2)
    assert ended.returncode == 2 and "has 2 words; nothing would be left to train on" in ended.stderr
    assert not (tmp_path / "train").exists()

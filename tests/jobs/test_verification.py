"""`segrec.verify` reads a database in another process, which alone may end by a damaged page."""

from __future__ import annotations

from pathlib import Path

import pytest

import segrec
from segrec.core.errors import DataError
from segrec.rendering.writing import render_words

PAGE = 4096


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verified") / "words"
    render_words(folder, 30, seed=5, workers=1)
    return folder


def damaged(words: Path, target: Path) -> Path:
    """Return a copy in which every value that has pages of its own claims more bytes than the file has."""
    data = bytearray((words / "data.mdb").read_bytes())
    for page in range(2, len(data) // PAGE):
        begin = page * PAGE
        number, kind = (int.from_bytes(data[begin + at : begin + end], "little") for at, end in ((0, 8), (10, 12)))
        if number != page or kind != 2:  # no leaf
            continue
        for slot in range(16, int.from_bytes(data[begin + 12 : begin + 14], "little"), 2):
            node = begin + int.from_bytes(data[begin + slot : begin + slot + 2], "little")
            if data[node + 4] & 1:
                data[node : node + 4] = (0x3FFFFFF0).to_bytes(4, "little")
    target.mkdir()
    (target / "data.mdb").write_bytes(data)
    return target


def test_what_is_sound_passes_wherever_the_program_stands(words, monkeypatch, tmp_path):
    (tmp_path / "segrec.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    segrec.verify(words)
    segrec.verify(words / "oracle")


def test_pages_that_end_their_reader_are_one_line_here(words, tmp_path):
    with pytest.raises(DataError, match=r"reading was ended by SIG(BUS|SEGV)|ended with the exit code") as refusal:
        segrec.verify(damaged(words, tmp_path / "damaged"))
    assert str(tmp_path / "damaged") in str(refusal.value) and "\n" not in str(refusal.value)


def test_what_is_no_database_is_refused_with_the_commands_words(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        segrec.verify(tmp_path / "absent")
    (tmp_path / "-odd").mkdir()
    with pytest.raises(DataError, match="an empty folder of no kind that segrec knows"):
        segrec.verify(tmp_path / "-odd")

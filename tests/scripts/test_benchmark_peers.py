"""Readers of several projects are compared on the same words; nothing is timed here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from markdown_cells import unaligned
from printed_words import printed

from segrec.core.images import encode_png
from segrec.data.words import WordLmdb, WordWriter

TEXTS = ("Hotel", "OPEN", "exit")


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> WordLmdb:
    """Three printed words between a broken picture and a label without letters."""
    folder = tmp_path_factory.mktemp("peers") / "words"
    with WordWriter(folder) as writer:
        writer.add(b"no picture", "broken")
        for text in TEXTS:
            writer.add(encode_png(printed(text)), text)
        writer.add(encode_png(printed("?!")), "?!")
    return WordLmdb(folder)


def test_all_readers_see_the_same_labelled_words_in_batches_of_the_asked_sizes(words, monkeypatch):
    from benchmarks import peer_readers
    from benchmarks.peer_readers import Peer, Timing, measure_alone

    seen = []

    def opened(files, threads):
        def read(crops, batch):
            seen.append((len(crops), batch, threads))
            return ["hotel", "open", "wrong"][: len(crops)] if len(crops) > 1 else ["HOTEL"]

        return read

    monkeypatch.setitem(peer_readers.PEERS, "stub", Peer(lambda own: "stub", lambda own, folder: [], opened))
    found = measure_alone("stub", [], str(words.path), Timing(words=9, batches=(1, 2, 64), repeats=2, threads=3))
    assert seen == [(3, 64, 3), *[(1, 1, 3)] * 6, *[(2, 2, 3), (1, 2, 3)] * 2, *[(3, 64, 3)] * 2]
    assert {batch: len(taken) for batch, taken in found.seconds.items()} == {1: 2, 2: 2, 64: 2}
    assert (found.correct, found.words) == (2, 3) and found.peak > 10


def test_time_is_taken_by_the_clock_asked_for(words, monkeypatch):
    from benchmarks import peer_readers
    from benchmarks.peer_readers import Peer, Timing, measure_alone

    ticks = iter([10.0, 10.5])
    monkeypatch.setattr(peer_readers, "CLOCKS", {"wall": None, "processor": lambda: next(ticks)})
    stub = Peer(lambda own: "stub", lambda own, folder: [], lambda files, threads: lambda crops, batch: ["hotel"] * 3)
    monkeypatch.setitem(peer_readers.PEERS, "stub", stub)
    timing = Timing(words=9, batches=(64,), repeats=1, threads=1, clock="processor")
    assert measure_alone("stub", [], str(words.path), timing).seconds == {64: [0.5]}


@pytest.mark.parametrize("reader", ["masked-bf16", "plain-onnx"])
def test_readers_of_each_kind_read_the_printed_words(words, reader, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from benchmarks.peer_readers import PEERS, Choices, Timing, measure_alone

    choices = Choices("crnn-slim-none", "crnn-slim-predicted", "mgnet-slim", "english_g2.pth")
    files = PEERS[reader].files(choices, tmp_path)
    assert measure_alone(reader, files, str(words.path), Timing(3, (2,), 1, 1)).correct >= 2


def test_a_reader_that_loses_a_word_is_no_result(words, monkeypatch):
    from benchmarks import peer_readers
    from benchmarks.peer_readers import Peer, Timing, measure_alone

    def opened(files, threads):
        return lambda crops, batch: ["hotel"]

    monkeypatch.setitem(peer_readers.PEERS, "stub", Peer(lambda own: "stub", lambda own, folder: [], opened))
    with pytest.raises(ValueError, match="zip"):
        measure_alone("stub", [], str(words.path), Timing(words=9, batches=(64,), repeats=1, threads=1))


def test_the_report_has_a_line_for_each_reader_and_says_which_could_not_be_had():
    from benchmarks.peer_readers import Measured
    from benchmarks.peers import report

    measured = Measured({1: [2.0, 4.0, 8.0], 64: [1.0, 1.0, 1.0]}, 300, 6, 8)
    said = unaligned(report([("ours", measured), ("theirs", "RapidOCR cannot be imported; pip install it")], (1, 64)))
    assert "| reader | words/s, batch 1 | words/s, batch 64 | peak MiB | words | right, % |" in said
    assert "| ours | 2.0 (1.0 to 4.0) | 8.0 (8.0 to 8.0) | 300 | 8 | 75.0 |" in said
    assert "theirs: not measured: RapidOCR cannot be imported; pip install it" in said


def test_the_command_measures_a_reader_in_a_process_of_its_own(words):
    from benchmarks.peers import peers
    from benchmarks.timing import machine

    arguments = ["--data", str(words.path), "--reader", "plain", "--repeats", "1", "--batch", "2", "--words", "3"]
    result = CliRunner().invoke(peers, arguments)
    assert result.exit_code == 0, result.output
    assert f"{machine()}, threads: 1, repeats: 1, wall time" in result.output and "words of words" in result.output
    (line,) = (line for line in unaligned(result.output).splitlines() if line.startswith("| segrec crnn-slim-none"))
    cells = [cell.strip() for cell in line.strip("| ").split("|")]
    assert cells[-2] == "3" and int(cells[-3]) > 50 and float(cells[-1]) >= 60


def test_a_reader_that_was_asked_for_and_cannot_run_is_named_and_fails_the_command(words, tmp_path):
    from benchmarks.peers import peers

    arguments = ["--data", str(words.path), "--reader", "plain", "--plain", str(tmp_path / "absent"), "--words", "3"]
    result = CliRunner().invoke(peers, arguments)
    assert result.exit_code == 1 and "not measured: no weights at" in result.output


def test_readers_in_onnx_are_measured_without_torch():
    program = "import sys; import benchmarks.peer_readers; print('torch' in sys.modules)"
    scripts = Path(__file__).parents[2] / "scripts"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(scripts), str(scripts.parent)])},
    )
    assert done.stdout.strip() == "False"

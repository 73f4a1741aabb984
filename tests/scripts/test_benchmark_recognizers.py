"""What the benchmarks of recognizers compare, on tiny sizes; nothing is timed here."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from markdown_cells import unaligned

from recognizers import CRNN, Aster, Charset, InputSpec, Recognizer
from segrec.core.images import encode_png
from segrec.data.words import WordLmdb, WordWriter
from segrec.training.timing import LoopTiming

WORDS = ("ab", "cde", "f", "ghij")


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> WordLmdb:
    folder = tmp_path_factory.mktemp("benchmark") / "words"
    rng = np.random.default_rng(0)
    with WordWriter(folder) as writer:
        for text in WORDS:
            writer.add(encode_png(rng.integers(0, 256, (16, 40, 3), dtype=np.uint8)), text)
        writer.add(b"no picture", "broken")
    return WordLmdb(folder)


@pytest.fixture(scope="module")
def aster(words) -> Aster:
    from benchmarks.random_networks import enliven, prepared
    from benchmarks.word_sets import first_crops

    torch.manual_seed(1)
    model = Aster(
        charset=Charset("abcdefgh", "aster"),
        input_spec=InputSpec(height=32, width=64, color="rgb"),
        widths=(4, 4, 4, 8, 8, 8),
        blocks=(1, 1, 1, 1, 1),
        hidden=4,
        state=8,
        localiser_widths=(4, 4, 4, 4, 4, 4),
        localiser_hidden=8,
        max_length=12,
    )
    enliven(model, prepared(first_crops(words, 4), model.input_spec))
    return model


def test_the_plain_decoder_of_aster_does_every_step_and_writes_the_same_logits(aster):
    from benchmarks.attention import PlainAster

    images = torch.rand(3, 3, 32, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        plain, own = PlainAster(aster, steps=15)(images), aster(images)
    assert plain.shape == (3, 12, aster.charset.classes)
    assert torch.allclose(plain[:, : own.shape[1]], own, atol=1e-4)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_decoding_is_compared_by_the_texts_of_each_crop(aster, words, batch_size):
    from benchmarks.attention import compare_decoding
    from benchmarks.word_sets import first_crops

    comparison = compare_decoding(aster, first_crops(words, 3), batch_size=batch_size, repeats=2)
    assert [len(row.seconds) for row in comparison.rows] == [2, 2]
    assert len(comparison.texts) == 3
    assert all(plain == own for plain, own in comparison.texts)


@pytest.mark.parametrize("length", [1.0, 4.0])
def test_words_of_random_networks_can_be_of_a_mean_length(aster, words, length):
    from benchmarks.random_networks import end_words, prepared
    from benchmarks.word_sets import first_crops

    model = deepcopy(aster)
    end_words(model, prepared(first_crops(words, 4), model.input_spec), length)
    lengths = [len(reading.text) for reading in Recognizer(model).read(first_crops(words, 4))]
    assert length - 1 <= np.mean(lengths) <= length


def test_evaluation_is_compared_by_the_texts_of_each_readable_word(words):
    from benchmarks.one_by_one import compare_evaluation
    from benchmarks.random_networks import enliven, prepared
    from benchmarks.word_sets import first_crops

    torch.manual_seed(0)
    model = CRNN(widths=(4,) * 7, hidden=8)
    enliven(model, prepared(first_crops(words, 4), model.input_spec))
    comparison = compare_evaluation(model, words, count=9, repeats=1)
    assert len(comparison.texts) == len(WORDS)
    assert all(plain == own for plain, own in comparison.texts)
    assert len({own for _, own in comparison.texts}) > 1


def test_a_report_says_whether_the_bound_holds_and_which_text_differs():
    from benchmarks.timing import Comparison, Row, report

    rows = [Row("plain", [0.4, 0.6], [1.0, 1.0]), Row("own", [0.1, 0.2], [4.0, 3.0])]
    said, equal = report(Comparison(rows, [("a", "a"), ("b", "b")]), 3.5)
    assert equal
    assert "| own | 150.0 (110.0 to 190.0) | 3.50 (3.10 to 3.90) |" in unaligned(said)
    assert said.endswith("at least 3.5 times faster: holds (3.50); all 2 texts are equal (2 different ones)")
    said, equal = report(Comparison(rows, [("a", "a"), ("b", "c")]), 3.6)
    assert not equal
    assert said.endswith("DOES NOT HOLD (3.50); 1 of 2 TEXTS DIFFER, for instance 'b' against 'c'")


def test_a_fine_tuning_tells_for_how_long_it_waited(words):
    from benchmarks.waiting import time_waiting

    measured = time_waiting(["crnn-slim"], words, steps=3, batch_size=4, workers=0)
    assert [(one.weights, one.mask, one.timing.steps) for one in measured] == [
        ("crnn-slim", "zero", 3),
        ("crnn-slim", "predicted", 3),
    ]
    assert all(one.timing.waiting > 0 and one.timing.working > 0 for one in measured)


def test_the_table_of_waiting_judges_the_worst_run():
    from benchmarks.waiting import Waiting, waiting_table

    good = Waiting("crnn-slim", "zero", LoopTiming(steps=11, waiting=0.1, working=9.9))
    said = waiting_table([good], 0.05)
    assert "| crnn-slim | zero | 1000 | 1.0% |" in unaligned(said)
    assert said.endswith("at most 5% of the time: holds (1.0%)")
    bad = good._replace(timing=replace(good.timing, waiting=3.3))
    assert waiting_table([good, bad], 0.05).endswith("at most 5% of the time: DOES NOT HOLD (25.0%)")


def test_the_command_runs_all_its_parts_and_fails_when_texts_differ(words, aster, monkeypatch):
    from benchmarks import recognizers
    from click.testing import CliRunner

    done = []
    monkeypatch.setattr(recognizers, "decoding", lambda *args, **options: done.append("decoding") or False)
    monkeypatch.setattr(recognizers, "evaluation", lambda *args, **options: done.append("evaluation") or True)
    monkeypatch.setattr(recognizers, "time_waiting", lambda *args, **options: done.append("waiting") or [])
    monkeypatch.setattr(recognizers, "waiting_table", lambda *args: "waited")
    threads = torch.get_num_threads()
    try:
        result = CliRunner().invoke(recognizers.recognizers, ["--data", str(words.path)])
    finally:
        torch.set_num_threads(threads)
    assert (result.exit_code, done) == (1, ["decoding", "evaluation", "waiting"])

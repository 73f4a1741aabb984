"""Which frames and steps wrote a character, the same for confidences, places and explanations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import recognizers.decoding
from recognizers import Charset, aster_slim
from recognizers.attention import AttentionDecoder
from recognizers.configuration import AttentionNetwork
from recognizers.decoding.reading import check_temperature
from recognizers.decoding.written import characters_of, word_length, written_runs, written_steps
from segrec.core.errors import ConfigError

AB = Charset("ab", "aster")  # a 0, b 1, end 2, padding 3, unknown 4


def test_a_run_of_frames_writes_one_character_and_ends_with_its_row():
    runs = written_runs(np.array([[1, 1, 0, 1, 2], [2, 2, 0, 0, 0], [0, 0, 0, 0, 0]]))
    assert runs.classes.tolist() == [1, 1, 2, 2]
    assert list(zip(runs.starts.tolist(), runs.stops.tolist(), strict=True)) == [(0, 2), (3, 4), (4, 5), (5, 7)]
    assert runs.ends.tolist() == [3, 4, 4]


def test_no_words_and_only_blanks_write_nothing():
    assert all(len(part) == 0 for part in written_runs(np.zeros((0, 4), np.int64)))
    runs = written_runs(np.zeros((2, 3), np.int64))
    assert len(runs.starts) == len(runs.stops) == 0 and runs.ends.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("classes", "steps", "length", "text"),
    [([0, 4, 1, 2, 0], [0, 2], 3, "ab"), ([2, 0], [], 0, ""), ([1, 1], [0, 1], 2, "bb"), ([3, 4], [], 2, "")],
)
def test_steps_before_the_end_write_characters_unless_their_class_is_none(classes, steps, length, text):
    assert written_steps(classes, AB) == steps and word_length(classes, AB) == length
    assert characters_of([classes[step] for step in steps], AB) == text


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "1", None])
def test_a_temperature_is_a_finite_number_above_0(value):
    with pytest.raises(ConfigError, match="the temperature must be above 0"):
        check_temperature(value)
    assert check_temperature(2.5) == 2.5


def test_greedy_decoding_and_the_temperature_need_no_torch():
    program = (
        "import sys; import recognizers.decoding; from recognizers.decoding.reading import check_temperature; "
        "check_temperature(1.0); print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert result.stdout.strip() == "False"


def test_the_package_lists_its_public_names_alone():
    assert dir(recognizers.decoding) == sorted(recognizers.decoding.__all__)
    assert callable(recognizers.decoding.ctc_beam)
    with pytest.raises(AttributeError, match=r"module 'recognizers\.decoding' has no attribute 'ctc_guess'"):
        _ = recognizers.decoding.ctc_guess


def test_an_attention_network_names_its_decoder():
    model: AttentionNetwork = aster_slim()
    decoder: AttentionDecoder = model.attention_decoder
    assert decoder is model.decoder.decoder and decoder.charset == model.charset

"""Greedy readings of attention logits, and readings of hypotheses."""

from __future__ import annotations

import math

import pytest
import torch

from recognizers import Charset, ctc_greedy
from recognizers.decoding import attention_greedy, read_logits, reading_of

ASTER = Charset("ab", "aster")  # a 0, b 1, end 2, padding 3, unknown 4
GO_FIRST = Charset("ab", "go-first")  # start 0, end 1, a 2, b 3


def logits_of(charset: Charset, *steps: tuple[int, float]) -> torch.Tensor:
    """Logits (1, T, classes) in which each step's class has the given probability."""
    rows = []
    for number, probability in steps:
        row = [(1 - probability) / (charset.classes - 1)] * charset.classes
        row[number] = probability
        rows.append(row)
    return torch.tensor([rows]).log()


@pytest.mark.parametrize(("charset", "a", "b", "end"), [(ASTER, 0, 1, 2), (GO_FIRST, 2, 3, 1)])
def test_a_word_goes_up_to_its_end_whose_probability_counts(charset, a, b, end):
    (reading,) = attention_greedy(logits_of(charset, (b, 0.9), (a, 0.8), (a, 0.7), (end, 0.5), (b, 0.99)), charset)
    assert reading.text == "baa"
    assert reading.character_confidences == pytest.approx((0.9, 0.8, 0.7))
    assert reading.confidence == pytest.approx(0.9 * 0.8 * 0.7 * 0.5)


def test_a_word_without_an_end_has_all_steps_with_their_last_character():
    (reading,) = attention_greedy(logits_of(ASTER, (0, 0.9), (1, 0.8)), ASTER)
    assert reading == ("ab", pytest.approx(0.72), pytest.approx((0.9, 0.8)))


def test_an_end_at_once_is_an_empty_text():
    assert attention_greedy(logits_of(ASTER, (2, 0.75), (0, 0.9)), ASTER) == [("", pytest.approx(0.75), ())]


def test_padding_unknown_and_start_give_no_character_but_count():
    (reading,) = attention_greedy(logits_of(ASTER, (0, 0.9), (4, 0.8), (3, 0.7), (1, 0.6), (2, 0.5)), ASTER)
    assert reading.text == "ab" and reading.character_confidences == pytest.approx((0.9, 0.6))
    assert reading.confidence == pytest.approx(0.9 * 0.8 * 0.7 * 0.6 * 0.5)
    assert attention_greedy(logits_of(GO_FIRST, (0, 0.9), (3, 0.8), (1, 0.7)), GO_FIRST)[0].text == "b"


def test_rows_of_one_batch_end_each_at_its_own_step():
    rows = torch.cat([logits_of(ASTER, (2, 0.9), (0, 0.9)), logits_of(ASTER, (0, 0.9), (2, 0.9))])
    assert [reading.text for reading in attention_greedy(rows, ASTER)] == ["", "a"]
    assert attention_greedy(rows[:0], ASTER) == []


def test_the_charset_says_how_logits_are_read():
    logits = logits_of(ASTER, (1, 0.9), (1, 0.9), (2, 0.9))
    assert read_logits(logits, ASTER)[0].text == "bb"
    ctc = Charset("abcd")
    assert read_logits(logits, ctc) == ctc_greedy(logits, ctc)
    assert read_logits(logits, ctc)[0].text == "ab"
    with pytest.raises(ValueError, match="logits of an attention decoder, got a charset of kind 'ctc'"):
        attention_greedy(logits, ctc)
    with pytest.raises(ValueError, match=r"logits must be \(N, T, 5\)"):
        read_logits(logits[..., :4], ASTER)


def test_class_numbers_become_the_characters_among_them():
    logs = [math.log(0.9), math.log(0.8), math.log(0.7)]
    reading = reading_of([0, 4, 1], math.log(0.25), logs, ASTER)
    assert reading == ("ab", pytest.approx(0.25), pytest.approx((0.9, 0.7)))
    assert reading_of([], 1e-9, [], ASTER) == ("", 1.0, ())

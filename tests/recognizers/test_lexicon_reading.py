"""Readings that become words of a lexicon, with CTC's probabilities or without."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from recognizers import ALNUM36, PRINTABLE94, Charset, Reading, ctc_greedy, lexicon_reading
from recognizers.decoding import ctc_score
from recognizers.lexicon import Lexicon
from recognizers.lexicon_reading import TOO_LONG, UNREADABLE, probable_readings
from recognizers.metrics import edit_distance, normalise_label
from recognizers.nearest_words import nearest_readings

CASED = Charset("abAB-")


def logits_for(frames: list[dict[str, float]], charset: Charset) -> torch.Tensor:
    """Logits (1, T, classes) with the given probabilities of characters ("" is the blank), the rest shared out."""
    rows = []
    for frame in frames:
        rest = max(0.0, 1 - sum(frame.values())) / (charset.classes - len(frame))
        row = [rest] * charset.classes
        for character, probability in frame.items():
            row[charset.encode(character)[0] if character else 0] = probability
        rows.append(row)
    return torch.tensor([rows]).log()


def read(logits: torch.Tensor, lexicon: Lexicon, charset: Charset) -> tuple[Reading, Counter[str]]:
    readings, refused = probable_readings(logits, ctc_greedy(logits, charset), [lexicon] * len(logits), charset)
    return readings[0], refused


@pytest.fixture
def noisy() -> torch.Tensor:
    return torch.randn(30, 7, ALNUM36.classes, generator=torch.Generator().manual_seed(1)) * 2


@pytest.fixture
def words() -> list[str]:
    draws = torch.randint(0, 36, (300, 4), generator=torch.Generator().manual_seed(2)).tolist()
    return ["".join(ALNUM36.characters[number] for number in row) for row in draws]


def test_the_most_probable_word_wins_and_not_the_nearest():
    frames = [{"s": 0.6, "5": 0.3}, {"": 0.99}, {"o": 0.5, "0": 0.45}, {"": 0.99}, {"p": 0.9}]
    lexicon = Lexicon(["sip", "50p"], normalise_label)  # the reading is sop: one edit to sip, two to 50p
    logits = logits_for(frames, ALNUM36)
    assert ctc_greedy(logits, ALNUM36)[0].text == "sop"
    assert nearest_readings(ctc_greedy(logits, ALNUM36), [lexicon])[0].text == "sip"
    reading, refused = read(logits, lexicon, ALNUM36)
    assert reading.text == "50p" and not refused
    assert reading.confidence == pytest.approx(float(ctc_score(logits, ["50p"], ALNUM36).exp()[0]))
    assert len(reading.character_confidences) == 3


def test_a_small_lexicon_is_scored_whole(noisy, words):
    readings, _ = probable_readings(
        noisy, ctc_greedy(noisy, ALNUM36), [Lexicon(words, normalise_label)] * len(noisy), ALNUM36
    )
    for reading, row in zip(readings, noisy, strict=True):
        scores = ctc_score(row.expand(len(words), -1, -1), words, ALNUM36)
        assert reading.text == words[int(scores.argmax())]
        assert reading.confidence == pytest.approx(float(scores.max().exp()), rel=1e-4)


def test_of_a_large_lexicon_those_within_three_edits_compete_and_without_any_the_nearest(noisy, words, monkeypatch):
    monkeypatch.setattr(lexicon_reading, "SMALL", 10)
    free = ctc_greedy(noisy, ALNUM36)
    readings, _ = probable_readings(noisy, free, [Lexicon(words, normalise_label)] * len(noisy), ALNUM36)
    beyond = 0
    for reading, before, row in zip(readings, free, noisy, strict=True):
        distances = [edit_distance(word, before.text) for word in words]
        reach = max(3, min(distances))
        near = [word for word, distance in zip(words, distances, strict=True) if distance <= reach]
        beyond += reach > 3
        scores = ctc_score(row.expand(len(near), -1, -1), near, ALNUM36)
        assert reading.text == near[int(scores.argmax())]
    assert 0 < beyond < len(noisy)


def test_each_image_has_a_lexicon_of_its_own(noisy):
    lexicons = [Lexicon([word], normalise_label) for word in ("one", "two")]
    readings, _ = probable_readings(noisy[:2], ctc_greedy(noisy[:2], ALNUM36), lexicons, ALNUM36)
    assert [reading.text for reading in readings] == ["one", "two"]
    with pytest.raises(ValueError, match="must normalise alike"):
        probable_readings(noisy[:2], readings, [lexicons[0], Lexicon(["a"], str)], ALNUM36)
    assert probable_readings(noisy[:0], [], [], ALNUM36) == ([], Counter())


def test_words_that_the_frames_cannot_hold_are_refused_and_counted():
    logits = logits_for([{"a": 0.9}, {"a": 0.9}], ALNUM36)
    reading, refused = read(logits, Lexicon(["aaa", "aa", "b", "-"], str), ALNUM36)
    assert reading.text == "b"
    assert refused == {TOO_LONG: 2, UNREADABLE: 1}
    reading, refused = read(logits, Lexicon(["aaa"], str), ALNUM36)
    assert reading == ctc_greedy(logits, ALNUM36)[0] and refused == {TOO_LONG: 1}


def test_cases_that_the_lexicon_does_not_tell_apart_are_added_and_the_rest_counts_as_blank():
    frames = [{"a": 0.3, "A": 0.3, "b": 0.2, "": 0.2}, {"-": 0.7, "": 0.3}, {"B": 0.5, "b": 0.5}]
    reading, _ = read(logits_for(frames, CASED), Lexicon(["b b", "A-B"], normalise_label), CASED)
    assert reading == ("A-B", pytest.approx(0.6), pytest.approx((0.6, 0.0, 1.0)))  # as the lexicon spells it


def test_a_case_sensitive_lexicon_tells_cases_apart():
    logits = logits_for([{"a": 0.3, "A": 0.6}], CASED)
    assert read(logits, Lexicon(["a", "A"], str), CASED)[0] == ("A", pytest.approx(0.6), (pytest.approx(0.6),))


def test_a_network_of_one_case_writes_words_of_the_other():
    logits = logits_for([{"o": 0.9}, {"": 0.9}, {"k": 0.8}], ALNUM36)
    assert read(logits, Lexicon(["OK", "NO"], str), ALNUM36)[0].text == "OK"
    shouted = logits_for([{"O": 0.9}, {"": 0.9}, {"K": 0.8}], PRINTABLE94)
    assert read(shouted, Lexicon(["ok", "no"], normalise_label), PRINTABLE94)[0].text == "ok"


def test_without_probabilities_the_nearest_word_keeps_what_it_knows():
    lexicon = Lexicon(["Stop", "nation"], normalise_label)
    same, other = nearest_readings(
        [Reading("stop", 0.5, (0.9, 0.8, 0.7, 0.6)), Reading("natoin", 0.4, (0.5,) * 6)], [lexicon] * 2
    )
    assert same == ("Stop", 0.5, (0.9, 0.8, 0.7, 0.6))
    assert other == ("nation", 0.4, ())

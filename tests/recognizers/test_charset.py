from __future__ import annotations

import pickle

import pytest

from recognizers import ALNUM36, Charset
from segrec.core.errors import ConfigError


def test_classes_count_the_blank_and_codes_start_at_one():
    assert ALNUM36.classes == 37
    assert ALNUM36.encode("09az") == [1, 10, 11, 36]
    assert ALNUM36.encode("") == []


def test_encode_names_the_unknown_character():
    with pytest.raises(ConfigError, match=r"character '-' of 'a-b' is not in the charset"):
        ALNUM36.encode("a-b")


@pytest.mark.parametrize(
    ("characters", "text", "expected"),
    [
        ("0123456789abcdefghijklmnopqrstuvwxyz", "It's 5!", "its5"),
        ("ABCI", "a-Bci", "ABCI"),
        ("aAbB", "AabBc", "AabB"),
        ("01", "x0y1", "01"),
    ],
)
def test_normalise_folds_to_the_only_case_and_drops_the_rest(characters, text, expected):
    assert Charset(characters).normalise(text) == expected


@pytest.mark.parametrize(
    ("characters", "message"), [("", "at least one character"), ("abca", "'a' comes more than once")]
)
def test_impossible_charsets_are_refused(characters, message):
    with pytest.raises(ConfigError, match=message):
        Charset(characters)


def test_other_kinds_are_refused():
    with pytest.raises(ConfigError, match="charset kind must be one of ctc, aster, go-first, got 'other'"):
        Charset("ab", "other")  # type: ignore[arg-type]


def test_a_charset_survives_pickling_after_use():
    ALNUM36.encode("a")
    assert pickle.loads(pickle.dumps(ALNUM36)) == ALNUM36

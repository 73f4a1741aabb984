"""Lexicon files of word databases."""

from __future__ import annotations

import json

import pytest

from recognizers.metrics import normalise_label
from segrec.core.errors import DataError
from segrec.data.lexicons import WordLexicons


def written(path, *rows: object):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n", "utf-8")
    return path


def test_a_list_of_words_is_the_lexicon_of_every_word(tmp_path):
    lexicons = WordLexicons(written(tmp_path / "words.txt", "", "Stop", "nation"), normalise_label)
    lexicons.check(1000)
    assert lexicons.of(1) is lexicons.of(999)
    assert lexicons.of(1).words == ["stop", "nation"]


def test_json_lines_give_each_word_its_own(tmp_path):
    rows = [{"index": 2, "words": ["b"]}, "", {"index": 1, "words": ["Á", "a", "c"]}]
    lexicons = WordLexicons(written(tmp_path / "own.jsonl", *rows), normalise_label)
    lexicons.check(2)
    assert lexicons.of(1).words == ["a", "c"] and lexicons.of(2).words == ["b"]


def test_the_first_missing_lexicon_is_named(tmp_path):
    path = written(tmp_path / "own.jsonl", {"index": 1, "words": ["a"]}, {"index": 3, "words": ["?"]})
    lexicons = WordLexicons(path, normalise_label)
    with pytest.raises(DataError, match=r"own.jsonl has no lexicon for 2 of 4 words, the first is index 2; add a line"):
        lexicons.check(4)
    with pytest.raises(DataError, match=r"own.jsonl has no lexicon for index 2"):
        lexicons.of(2)
    with pytest.raises(DataError, match=r"own.jsonl, index 3: the lexicon holds no word"):
        lexicons.of(3)


@pytest.mark.parametrize(
    "row",
    [
        '{"index": 1, "words": ["a"]',
        "plain",
        {"index": 0, "words": ["a"]},
        {"index": True, "words": ["a"]},
        {"index": 2, "words": "ab"},
        {"index": 2, "words": [1]},
        {"words": ["a"]},
        "[1]",
    ],
)
def test_a_line_of_another_kind_is_named(tmp_path, row):
    path = written(tmp_path / "own.jsonl", {"index": 1, "words": ["a"]}, row)
    with pytest.raises(DataError, match=r'own.jsonl, line 2: expected \{"index": 1, "words": '):
        WordLexicons(path, normalise_label)


def test_two_lexicons_of_one_word_are_refused(tmp_path):
    path = written(tmp_path / "own.jsonl", {"index": 1, "words": ["a"]}, {"index": 1, "words": ["b"]})
    with pytest.raises(DataError, match="line 2: index 1 has a lexicon already"):
        WordLexicons(path, normalise_label)


def test_a_file_without_words_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no word"):
        WordLexicons(written(tmp_path / "empty.txt", "", " "), normalise_label)
    with pytest.raises(DataError, match="cannot read the lexicon"):
        WordLexicons(tmp_path / "absent", normalise_label)

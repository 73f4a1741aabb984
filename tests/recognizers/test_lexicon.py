"""Reading with a lexicon."""

from __future__ import annotations

import pytest

from recognizers.lexicon import Lexicon
from recognizers.metrics import normalise_label
from segrec.core.errors import DataError


def test_the_nearest_word_has_the_fewest_edits():
    lexicon = Lexicon(["station", "nation", "stop"], normalise_label)
    assert lexicon.nearest("statlon") == "station"
    assert lexicon.nearest("natiom") == "nation"
    assert lexicon.nearest("shop") == "stop"
    assert lexicon.nearest("") == "stop"  # four letters away, the others six and seven


def test_of_equally_near_words_the_first_wins():
    assert Lexicon(["bat", "cat"], normalise_label).nearest("rat") == "bat"
    assert Lexicon(["cat", "bat"], normalise_label).nearest("rat") == "cat"
    assert Lexicon(["at", "cats"], normalise_label).nearest("cat") == "at"
    assert Lexicon(["cats", "at"], normalise_label).nearest("cat") == "cats"


def test_words_and_readings_are_compared_normalised():
    lexicon = Lexicon(["Café!", "O'Neil"], normalise_label)
    assert lexicon.nearest("CAFE") == "cafe"
    assert lexicon.nearest("o-neil") == "oneil"
    exact = Lexicon(["Cafe", "cafe"], str)
    assert exact.nearest("Cafe") == "Cafe" and exact.nearest("cafe") == "cafe"


def test_a_word_is_spelled_as_the_lexicon_spells_it_first():
    lexicon = Lexicon(["Café!", "CAFE", "?"], normalise_label)
    assert lexicon.words == ["cafe"] and len(lexicon) == 1
    assert lexicon.spelling("cafe") == "Café!"


def test_a_file_has_one_word_a_line(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("Station\n\n  \nstop\r\nstation\n", encoding="utf-8")
    lexicon = Lexicon.from_file(path, normalise_label)
    assert lexicon.nearest("sation") == "station" and lexicon.nearest("sop") == "stop"


def test_a_lexicon_without_words_is_refused(tmp_path):
    with pytest.raises(DataError, match="the lexicon holds no word; give one word per line"):
        Lexicon(["!!", ""], normalise_label)
    (tmp_path / "words.txt").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "absent.txt", tmp_path / "words.txt", tmp_path):
        with pytest.raises(DataError, match=f"cannot read the lexicon {path}"):
            Lexicon.from_file(path, normalise_label)

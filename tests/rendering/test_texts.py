"""What rendered words say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from segrec.core.errors import DataError
from segrec.rendering import texts
from segrec.rendering.texts import SIGN_WORDS, TextSource, read_lexicon


@pytest.fixture
def lexicon(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("# a comment\nBOULEVARD\n\n  station  \nnaïve\nit's\nstation\nh2o\n", encoding="utf-8")
    return path


def draw(source: TextSource, count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [source.draw(rng) for _ in range(count)]


def test_texts_are_short_printable_ascii(lexicon):
    for text in draw(TextSource(lexicon), 3000):
        assert 1 <= len(text) <= 22
        assert text.isascii() and text.isprintable() and " " not in text


def test_texts_are_a_function_of_the_generator(lexicon):
    assert draw(TextSource(lexicon), 50, seed=4) == draw(TextSource(lexicon), 50, seed=4)
    assert draw(TextSource(lexicon), 50, seed=4) != draw(TextSource(lexicon), 50, seed=5)


def test_texts_mix_words_in_three_cases_numbers_and_marks(lexicon):
    drawn = Counter(draw(TextSource(lexicon), 4000))
    assert all(drawn[form] > 100 for form in ("BOULEVARD", "Boulevard", "boulevard"))
    assert sum(count for text, count in drawn.items() if text.isdigit()) > 200
    assert sum(count for text, count in drawn.items() if not text.isalnum()) > 150


def test_a_lexicon_keeps_ascii_words_once_in_order(lexicon):
    assert read_lexicon(lexicon) == ["BOULEVARD", "station", "h2o"]
    assert TextSource(str(lexicon)).words == ["BOULEVARD", "station", "h2o"]


def test_a_lexicon_that_cannot_serve_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read the lexicon .*absent: No such file"):
        TextSource(tmp_path / "absent")
    (tmp_path / "bad.txt").write_bytes("# comment\nnaïve\n--\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"bad\.txt holds no word of letters and digits; give a file"):
        TextSource(tmp_path / "bad.txt")


def test_without_a_word_list_the_built_in_one_serves(monkeypatch):
    monkeypatch.setattr(texts, "SYSTEM_LEXICONS", ("/nowhere/words",))
    assert TextSource().words == SIGN_WORDS.split()

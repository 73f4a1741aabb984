"""The shipped words are drawn by a seed from those that qualify, and copied byte by byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from segrec.core.images import encode_png
from segrec.data.words import WordLmdb, WordWriter

UNFIT = [("to", (12, 40)), ("no-one", (12, 40)), ("caf\u00e9", (12, 40)), ("low", (11, 40)), ("tall", (41, 40))]
FIT = [(f"word{number}", (12 + number, 40)) for number in range(29)]


@pytest.fixture
def words(tmp_path) -> Path:
    """Noise with the labels and sizes of `FIT` and `UNFIT`, and a picture that cannot be read."""
    rng = np.random.default_rng(0)
    with WordWriter(tmp_path / "words") as writer:
        for label, size in [*UNFIT, *FIT]:
            writer.add(encode_png(rng.integers(0, 256, (*size, 3), dtype=np.uint8)), label)
        writer.add(b"no picture", "damaged")
    return tmp_path / "words"


def draw(*arguments: str | Path) -> str:
    from draw_samples import main

    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exception is None or done.exit_code == 1, done.exception
    return done.output


def test_only_words_that_qualify_are_drawn_and_nothing_of_them_is_changed(words, tmp_path):
    asked = ["--output", tmp_path / "all", "--count", "29"]
    assert f"{tmp_path / 'all'}: 29 of 29 words that qualify, of 35; " in draw(words, *asked)
    source, drawn = WordLmdb(words), WordLmdb(tmp_path / "all")
    assert [drawn.label(position) for position in range(29)] == [label for label, _ in FIT]
    assert [drawn.image_bytes(position) for position in range(29)] == [
        source.image_bytes(len(UNFIT) + position) for position in range(29)
    ]


def test_the_seed_alone_decides_which_words_and_their_order_is_kept(words, tmp_path):
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        draw(words, "--output", tmp_path / name, "--count", "8", "--seed", seed)
    one, again, other = ((tmp_path / name / "data.mdb").read_bytes() for name in "abc")
    assert one == again != other
    labels = [word.label for word in WordLmdb(tmp_path / "a")]
    assert labels == sorted(set(labels), key=lambda label: int(label.removeprefix("word")))


def test_too_few_words_are_refused_and_nothing_is_written(words, tmp_path):
    assert "has 29 words to draw from, not 60; lower --count" in draw(words, "--output", tmp_path / "none")
    assert not (tmp_path / "none").exists()

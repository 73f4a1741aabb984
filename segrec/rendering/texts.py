"""What rendered words say: lexicon words in several cases, numbers, codes and made-up words."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from segrec.core.errors import DataError
from segrec.core.regular import MOST_TEXT_BYTES, read_regular

SYSTEM_LEXICONS = ("/usr/share/dict/words", "/usr/dict/words")
SIGN_WORDS = (
    "open closed exit entrance hotel restaurant cafe coffee bar pizza bakery market pharmacy bank parking street "
    "road avenue lane station airport bus taxi train stop sale shop store books music cinema theatre museum "
    "gallery school college university library hospital clinic dental office center centre plaza tower house home "
    "garden park beach river lake bridge north south east west left right push pull danger warning caution "
    "private public police fire water gas electric auto car motor bike repair service wash rent free new best "
    "good fresh hot cold ice cream milk bread meat fish fruit salad burger grill kitchen chicken beef pork rice "
    "noodle sushi thai china india italy france london paris berlin york boston chicago texas city town village "
    "king queen royal golden silver black white red blue green yellow orange star sun moon sky light night day "
    "time world love life happy family kids women men ladies toilet smoking entry ticket price dollar euro cash "
    "card credit insurance law group company international national united first second third one two three four "
    "five six seven eight nine ten please thank you welcome hello the and for with from this that your our all "
    "more big small super mini max pro plus art design studio fashion beauty hair nails salon spa health fitness "
    "gym sport club golf tennis football hockey team game play toys gifts flowers jewelry watch optical vision "
    "photo camera phone mobile computer internet travel tours cargo express delivery post mail"
)
SYLLABLES = (
    "an ar as at be bo ca ce co da de di do el en er es fa fi fo ga go ha he hi ho in is it ja jo ka ki ko la le "
    "li lo lu ma me mi mo na ne ni no ol on or pa pe po qu ra re ri ro sa se shi so st su ta te ti to tra tri un "
    "ur va ve vi wa we wi xa xi ya yo za ze zo ing ton ville berg land ster tech"
)
PUNCTUATION = ("!", ".", ",", "?", ":", "-", "'s", "&", "$", "(", ")", '"')


class TextSource:
    """Draws the words to render.

    Args:
        lexicon: a file with one word per line (`#` comments allowed); None uses the system's word list where there is
            one, and a small built-in list of sign words otherwise.

    Raises:
        DataError: the file cannot be read or holds no word of ASCII letters and digits.
    """

    def __init__(self, lexicon: str | os.PathLike[str] | None = None) -> None:
        signs = SIGN_WORDS.split()
        path = lexicon if lexicon is not None else next((p for p in SYSTEM_LEXICONS if os.path.exists(p)), None)
        self.words: Sequence[str] = signs if path is None else read_lexicon(path)
        self._signs = signs
        self._syllables = SYLLABLES.split()

    def draw(self, rng: np.random.Generator) -> str:
        """Return one word of 1 to 22 printable ASCII characters."""
        kind = rng.random()
        if kind < 0.12:
            return _number(rng)
        if kind < 0.17:
            return _code(rng)
        if kind < 0.27:
            word = "".join(_choose(rng, self._syllables) for _ in range(int(rng.integers(1, 5))))
        elif kind < 0.35:
            word = _choose(rng, self._signs)
        else:
            word = _choose(rng, self.words)
        word = _with_case(word, rng)
        if rng.random() < 0.06:
            mark = _choose(rng, PUNCTUATION)
            word = mark + word if mark in ("(", "$", '"') else word + mark
        return word[:22]


def read_lexicon(path: str | os.PathLike[str]) -> list[str]:
    """Return the ASCII alphanumeric words of a lexicon file, in order, without repeats.

    Raises:
        DataError: the file cannot be read or has no such word.
    """
    try:
        lines = read_regular(path, most=MOST_TEXT_BYTES).decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"cannot read the lexicon {path}: {error.strerror or error}") from error
    words = dict.fromkeys(word for word in map(str.strip, lines) if word.isascii() and word.isalnum())
    if not words:
        raise DataError(f"the lexicon {path} holds no word of letters and digits; give a file with one word per line")
    return list(words)


def _choose(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _with_case(word: str, rng: np.random.Generator) -> str:
    style = rng.random()
    if style < 0.42:
        return word.upper()
    if style < 0.68:
        return word.capitalize()
    return word.lower()


def _number(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.5:
        return str(rng.integers(0, 10 ** int(rng.integers(1, 6))))
    if kind < 0.65:
        return str(rng.integers(1900, 2031))
    if kind < 0.8:
        return f"{rng.integers(0, 200)}.{rng.integers(0, 100):02d}"
    if kind < 0.9:
        return f"{_choose(rng, ('$', '#'))}{rng.integers(1, 1000)}"
    return f"{rng.integers(100, 1000)}-{rng.integers(0, 10000):04d}"


def _code(rng: np.random.Generator) -> str:
    characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "".join(_choose(rng, characters) for _ in range(int(rng.integers(1, 8))))

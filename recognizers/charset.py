"""The characters that a recognizer can read, and their class numbers."""

from __future__ import annotations

import string
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, get_args

from segrec.core.errors import ConfigError

Kind = Literal["ctc", "aster", "go-first"]
MOST_CHARACTERS = 100_000
"""More than three times those of the largest charset of Chinese."""


class _Layout(NamedTuple):
    """How many classes are not characters, and how many of them come before the characters."""

    special: int
    before: int


_LAYOUTS = {"ctc": _Layout(1, 1), "aster": _Layout(3, 0), "go-first": _Layout(2, 2)}


@dataclass(frozen=True)
class Charset:
    """Characters in class order.

    Attributes:
        characters: one character per class, no character twice.
        kind: how the classes are laid out. "ctc": the blank is 0, then the characters. "aster": the characters, then
            end, padding and unknown. "go-first": start is 0, end is 1, then the characters.

    Raises:
        ConfigError: no characters, a character twice, or an unknown kind.
    """

    characters: str
    kind: Kind = "ctc"

    def __post_init__(self) -> None:
        if self.kind not in _LAYOUTS:
            raise ConfigError(f"charset kind must be one of {', '.join(get_args(Kind))}, got {self.kind!r}")
        if not isinstance(self.characters, str) or len(self.characters) > MOST_CHARACTERS:
            raise ConfigError(f"a charset is a text of at most {MOST_CHARACTERS:,} characters")
        if any("\ud800" <= character <= "\udfff" for character in self.characters):
            raise ConfigError("a charset holds characters, but this one has halves of surrogate pairs in it")
        if not self.characters:
            raise ConfigError("a charset needs at least one character, got an empty string")
        if len(self._class_of) != len(self.characters):
            twice = sorted(character for character, count in Counter(self.characters).items() if count > 1)
            raise ConfigError(f"a charset names each character once, but {''.join(twice[:20])!r} comes more than once")

    @property
    def classes(self) -> int:
        """Number of classes of the recognizer's head: the characters and the special classes of the kind."""
        return len(self.characters) + _LAYOUTS[self.kind].special

    @property
    def first(self) -> int:
        """Class number of the first character."""
        return _LAYOUTS[self.kind].before

    @property
    def is_attention(self) -> bool:
        """Whether words end with a class of their own, as attention decoders need it."""
        return self.kind != "ctc"

    @property
    def end(self) -> int | None:
        """The class that ends a word; None for CTC."""
        return {"ctc": None, "aster": len(self.characters), "go-first": 1}[self.kind]

    @property
    def start(self) -> int | None:
        """The token that an attention decoder is fed before the first character; None for CTC.

        Of the kind "aster" it is not a class but one more row of the decoder's embedding.
        """
        return {"ctc": None, "aster": self.classes, "go-first": 0}[self.kind]

    def with_kind(self, kind: Kind) -> Charset:
        """Return the same characters in the class order of another kind."""
        return replace(self, kind=kind)

    def encode(self, text: str) -> list[int]:
        """Return class numbers of the characters of `text`, without an end.

        Raises:
            ConfigError: a character is not in the charset.
        """
        try:
            return [self._class_of[character] for character in text]
        except KeyError as error:
            raise ConfigError(
                f"character {error.args[0]!r} of {text!r} is not in the charset {self.characters!r}; "
                "call normalise() first or use a larger charset"
            ) from None

    def normalise(self, text: str) -> str:
        """Return `text` in the charset's only letter case, if it has one, without characters outside the charset."""
        has_capitals = any(character.isupper() for character in self.characters)
        has_small = any(character.islower() for character in self.characters)
        if not has_capitals:
            text = text.lower()
        elif not has_small:
            text = text.upper()
        return "".join(character for character in text if character in self._class_of)

    @cached_property
    def _class_of(self) -> dict[str, int]:
        return {character: number for number, character in enumerate(self.characters, start=self.first)}


ALNUM36 = Charset(string.digits + string.ascii_lowercase)
PRINTABLE94 = Charset(string.digits + string.ascii_letters + string.punctuation)

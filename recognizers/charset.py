"""The characters that a recognizer can read, and their class numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from segrec.core.errors import ConfigError


@dataclass(frozen=True)
class Charset:
    """Characters in class order.

    Attributes:
        characters: one character a class, no character twice; the classes start at 1 because class 0 is the CTC blank.
        kind: how the classes are laid out; "ctc" is blank first, then the characters.

    Raises:
        ConfigError: no characters, a character twice, or an unknown kind.
    """

    characters: str
    kind: Literal["ctc"] = "ctc"

    def __post_init__(self) -> None:
        if self.kind != "ctc":
            raise ConfigError(f"charset kind must be 'ctc', got {self.kind!r}")
        if not self.characters:
            raise ConfigError("a charset needs at least one character, got an empty string")
        if len(self._class_of) != len(self.characters):
            twice = sorted({c for c in self.characters if self.characters.count(c) > 1})
            raise ConfigError(f"a charset names each character once, but {''.join(twice)!r} comes more than once")

    @property
    def classes(self) -> int:
        """Number of classes of the recognizer's head: the characters and one blank."""
        return len(self.characters) + 1

    def encode(self, text: str) -> list[int]:
        """Class numbers of `text`, 1-based.

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
        """`text` in the charset's only letter case (if it has one), without the characters outside the charset."""
        has_capitals = any(character.isupper() for character in self.characters)
        has_small = any(character.islower() for character in self.characters)
        if not has_capitals:
            text = text.lower()
        elif not has_small:
            text = text.upper()
        return "".join(character for character in text if character in self._class_of)

    @cached_property
    def _class_of(self) -> dict[str, int]:
        return {character: number for number, character in enumerate(self.characters, start=1)}


ALNUM36 = Charset("0123456789abcdefghijklmnopqrstuvwxyz")

"""Text of others on its way to a terminal: nothing in it moves the cursor, hides or reverses what is read."""

from __future__ import annotations

import unicodedata
from typing import Any, TextIO

MOST_SHOWN = 2000
"""Characters of one message."""


def printable(text: str) -> str:
    r"""Return the text in one line: control and format characters, line ends and halves of pairs become `\uXXXX`."""
    if text.isprintable():
        return text
    return "".join(letter if _is_plain(letter) else _escaped(letter) for letter in text)


def shortened(text: str) -> str:
    """Return the text, its middle left out where it has more than `MOST_SHOWN` characters."""
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN * 3 // 4]} ... {text[-MOST_SHOWN // 4 :]}"


def _is_plain(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


class PrintableOutput:
    """A stream that escapes what it is given as `printable` does, but for tabs and the ends of lines.

    Args:
        stream: gets the text; all but writing is its own.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, escaped; return its length."""
        if not text.replace("\n", "").isprintable():
            pieces = text.split("\n")
            text = "\n".join("\t".join(map(printable, piece.split("\t"))) for piece in pieces)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

"""The tables of a markdown text, without the spaces that align their columns."""

from __future__ import annotations

import re


def unaligned(text: str) -> str:
    """Return the text with one space for each run of them within a line."""
    return re.sub(" +", " ", text)

"""How words are cut out of scenes and stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Encoding = Literal["png", "jpeg"]


@dataclass(frozen=True)
class CutSettings:
    """How words are cut out of scenes.

    Attributes:
        margin: what is added on each side, as a part of the box's height.
        encoding: `png`, without loss, or `jpeg` of quality 95.
    """

    margin: float = 0.0
    encoding: Encoding = "png"

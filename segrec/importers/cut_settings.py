"""How words are cut out of scenes and stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from segrec.core.errors import ConfigError

Encoding = Literal["png", "jpeg"]


@dataclass(frozen=True)
class CutSettings:
    """How words are cut out of scenes.

    Attributes:
        margin: what is added on each side, as a part of the box's height.
        encoding: `png`, without loss, or `jpeg` of quality 95.

    Raises:
        ConfigError: the margin is out of range.
    """

    margin: float = 0.0
    encoding: Encoding = "png"

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 10:
            raise ConfigError(f"--margin must be a part of the box's height from 0 to 10, got {self.margin}")

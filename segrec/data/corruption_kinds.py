"""The names and levels of what `segrec render corrupt` does to words."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from segrec.core.errors import ConfigError

CorruptionKind = Literal["blur", "dark", "low-contrast", "noise", "jpeg", "small"]
CORRUPTIONS: tuple[CorruptionKind, ...] = get_args(CorruptionKind)
"""In a fixed order: the place of a kind is part of its random seed, so new ones go to the end."""
LEVELS = (1, 2, 3, 4, 5)


class Corruption(NamedTuple):
    """A kind at a level, from 1, hardly seen, over 3, hard but readable, to 5, which mostly defeats people too."""

    kind: CorruptionKind
    level: int

    @property
    def name(self) -> str:
        """The name of the database of it, such as `blur-3`."""
        return f"{self.kind}-{self.level}"


def check_corruption(corruption: Corruption) -> None:
    """Refuse what is not there.

    Raises:
        ConfigError: an unknown kind or level.
    """
    if corruption.kind not in CORRUPTIONS:
        raise ConfigError(f"there is no corruption {corruption.kind!r}; choose some of {', '.join(CORRUPTIONS)}")
    if corruption.level not in LEVELS:
        raise ConfigError(f"there is no level {corruption.level!r}; choose some of 1 to {LEVELS[-1]}")

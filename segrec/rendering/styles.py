"""The styles in which words and scenes are rendered."""

from __future__ import annotations

from typing import Literal, get_args

from segrec.core.errors import ConfigError

Style = Literal["mixed", "hard", "signs"]
USUAL: Style = "mixed"
"""Where no style is named."""
STYLES: tuple[Style, ...] = get_args(Style)


def check_style(style: Style) -> Style:
    """Return the style.

    Raises:
        ConfigError: there is no such style.
    """
    if style not in STYLES:
        raise ConfigError(f"there is no style {style!r}; choose one of {', '.join(STYLES)}")
    return style

"""HTML made by the templates of a package; all text in it is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that HTML cannot carry."""


def fitting(text: str) -> str:
    """Return a text with U+FFFD for characters that HTML cannot carry."""
    return _UNFIT.sub("\ufffd", text)


def templates_of(package: str, shown: Callable[[str], str] = fitting) -> Environment:
    """Return the templates in the folder `templates` of a package.

    Args:
        package: its name.
        shown: what becomes of every text before it is escaped.
    """
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )

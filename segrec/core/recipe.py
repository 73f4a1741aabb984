"""Recipes: small TOML files of settings, of which strangers may be no TOML, or TOML that no one would write."""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any

from segrec.core.errors import DataError
from segrec.core.regular import read_regular_text

MOST_BYTES, MOST_DOTS = 1_000_000, 20
_LONG_KEY = re.compile(rf"(?<![\w\"'.-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MOST_DOTS},}}")
"""Dotted keys of more parts than settings have; the time that a parser takes for them grows with their square."""


def load_recipe(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the content of a recipe.

    Raises:
        DataError: the file cannot be read, is not TOML, or holds what no setting is.
    """
    try:
        text = read_regular_text(path, most=MOST_BYTES)
        if _LONG_KEY.search(text):
            raise ValueError(f"a key of more than {MOST_DOTS} parts")
        recipe = tomllib.loads(text)
    except OSError as error:
        raise DataError(f"cannot read the recipe {path}: {error.strerror or error}") from error
    except RecursionError as error:
        raise DataError(f"{path} is not valid TOML: it is nested too deeply") from error
    except ValueError as error:  # of TOML, of UTF-8, and of numbers with thousands of digits
        raise DataError(f"{path} is not valid TOML: {error}") from error
    if "\0" in _texts_in(recipe):
        raise DataError(f"{path} holds a NUL character in a value, which no path or name has")
    return recipe


def _texts_in(value: Any) -> str:
    """Return all texts in a value in a row."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(map(_texts_in, value.values()))
    return "".join(map(_texts_in, value)) if isinstance(value, list) else ""

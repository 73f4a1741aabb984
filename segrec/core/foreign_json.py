"""JSON of strangers: refused before it is parsed where its values would take far more memory than the text."""

from __future__ import annotations

import json
from typing import Any

MOST_VALUE_BYTES = 800_000_000
"""What the values of one text may take, by `_costs`."""
_costs = {"{": 232, "[": 72, ",": 40, '"': 30}
"""Bytes that Python takes at most for what a character of JSON begins or ends; a text of it has two quotes."""


def parse_json(text: str | bytes | bytearray) -> Any:
    """Return the value of a JSON text.

    Args:
        text: it, or its bytes in UTF-8.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or holds a number of thousands of digits or too many values.
    """
    if len(text) > MOST_VALUE_BYTES // max(_costs.values()):
        count = text.count if isinstance(text, str) else lambda sign: text.count(sign.encode())
        if len(text) + sum(cost * count(sign) for sign, cost in _costs.items()) > MOST_VALUE_BYTES:
            raise ValueError("it holds more values than segrec writes or reads of anybody")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error

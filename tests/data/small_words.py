"""Small pictures that differ, for word databases made in tests."""

from __future__ import annotations

import numpy as np

from segrec.core.images import encode_png


def picture(index: int) -> bytes:
    """Return a PNG that differs for each index, 8 high and 16 + index % 5 wide."""
    rng = np.random.default_rng(index)
    return encode_png(rng.integers(0, 256, (8, 16 + index % 5, 3), dtype=np.uint8))

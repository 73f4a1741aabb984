"""PNG files written band by band, so that a large picture is in memory once or not at all."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from segrec.core.files import atomic_path
from segrec.core.png_parts import END, GREY, RGB, beginning, chunk

Array = NDArray[np.uint8]
_COLORS = {1: GREY, 3: RGB}
"""By the number of channels."""
_AT_ONCE = 1 << 20
"""Bytes that are packed at once."""
_LEVEL = 6
"""Of zlib; 4 takes half the time for a tenth more bytes of a photograph."""


@contextmanager
def png_rows(path: str | os.PathLike[str], size: tuple[int, int], channels: int) -> Iterator[Callable[[Array], None]]:
    """Yield what takes the rows of a PNG file from the top down; the file appears once the block ends without an error.

    Rows are (h, W) or (h, W, 3) uint8, any number at once, in the end as many as the height.

    Args:
        path: of the file.
        size: (height, width).
        channels: 1 for grey, 3 for RGB.

    Raises:
        DataError: the file cannot be written.
    """
    with atomic_path(path) as partial, open(partial, "wb") as file:
        file.write(beginning(size, 8, _COLORS[channels]))
        packing = zlib.compressobj(_LEVEL)
        above, left_out = np.zeros((1, size[1] * channels), np.uint8), size[0]

        def write(packed: bytes) -> None:
            if packed:
                file.write(chunk(b"IDAT", packed))

        def take(rows: Array) -> None:
            nonlocal above, left_out
            flat = rows.reshape(len(rows), -1)
            left_out -= len(rows)
            for some in np.array_split(flat, -(-flat.size // _AT_ONCE)):
                write(packing.compress(_filtered(some, above, channels)))
                above = some[-1:].copy()

        yield take
        assert left_out == 0, f"{left_out} of {size[0]} rows were not given"
        write(packing.flush())
        file.write(chunk(END))


def _filtered(rows: Array, above: Array, channels: int) -> bytes:
    """Return rows (h, bytes) as differences to the left or from above, whichever are smaller, each after its number."""
    left = np.zeros_like(rows)
    left[:, channels:] = rows[:, :-channels]
    differences = np.stack([rows - left, rows - np.concatenate([above, rows[:-1]])])  # modulo 256, as PNG wants them
    chosen = np.abs(differences.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64).argmin(axis=0)
    packed = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    packed[:, 0] = 1 + chosen
    packed[:, 1:] = differences[chosen, np.arange(len(rows))]
    return packed.tobytes()

"""Crops turned by some degrees, and points and masks turned back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.errors import ConfigError
from segrec.core.images import Array, opencv

Turns = Sequence[float] | str | None
TALL = 1.5
"""A crop is tall from this height over its width on."""
STEEP, SMALLEST = 0.3, 6
"""Cosine of twice the angle up to which a box does not tell its word's size, and the fewest pixels of a word."""
QUARTERS = (0.0, 90.0, -90.0)
"""What tall crops are tried at: as they are, and with their text running up or down."""


class Turned(NamedTuple):
    """A crop and how it came about.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        matrix: (2, 3), from x and y in the crop to those in `image`; None where it was not turned.
    """

    image: Array
    matrix: NDArray[np.float64] | None


def check_turns(turns: Turns) -> Turns:
    """Return the turns as they were given.

    Args:
        turns: "auto" for quarter turns of tall crops, None for none, or degrees anticlockwise, tried on each crop.

    Raises:
        ConfigError: it is none of these.
    """
    if turns is None or turns == "auto":
        return turns
    numbers = not isinstance(turns, str) and all(isinstance(one, int | float) and np.isfinite(one) for one in turns)
    if not numbers or not len(turns):
        raise ConfigError(f"turns must be 'auto', None or degrees such as (0, 90, -90), got {turns!r}")
    return turns


def turns_of(size: tuple[int, int], turns: Turns) -> tuple[float, ...]:
    """Return the degrees at which a crop of (height, width) is read; (0.0,) where it is read once as it is.

    Args:
        size: (height, width).
        turns: from `check_turns`.
    """
    if turns is None:
        return (0.0,)
    if isinstance(turns, str):
        return QUARTERS if size[0] >= TALL * size[1] else (0.0,)
    return tuple(float(one) for one in turns)


def turn(image: Array, degrees: float) -> Turned:
    """Return a crop turned anticlockwise; beyond the crop its edge is repeated.

    A quarter turn keeps all pixels as they are. Another one is cut to the word if the crop can be the upright box
    around one that is tilted so: else the word would be small in a large picture. Other crops are kept whole.

    Args:
        image: (H, W, 3) uint8 RGB.
        degrees: any.
    """
    if degrees == 0:
        return Turned(image, None)
    height, width = image.shape[:2]
    quarters = degrees / 90
    if quarters == int(quarters):
        times = int(quarters) % 4
        return Turned(np.ascontiguousarray(np.rot90(image, times)), _quarter_matrix((height, width), times))
    cv2 = opencv()
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    size = _turned_size(height, width, degrees)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    turned = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    matrix[:, 2] += 0.5 - matrix[:, :2] @ (0.5, 0.5)  # from pixels' centres to their edges
    return Turned(np.asarray(turned, np.uint8), matrix)


def _turned_size(height: int, width: int, degrees: float) -> tuple[int, int]:
    """Return (width, height) of the word around which the crop is a box, or of the whole crop, turned."""
    cosine, sine = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    spread = cosine**2 - sine**2
    if spread > STEEP:
        word = round((width * cosine - height * sine) / spread), round((height * cosine - width * sine) / spread)
        if min(word) >= SMALLEST:
            return word
    return round(height * sine + width * cosine), round(height * cosine + width * sine)


def turn_mask_back(
    mask: NDArray[np.float32], matrix: NDArray[Any] | None, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return a mask (h, w) of a turned crop at the crop's own (height, width).

    Args:
        mask: of the turned crop's size.
        matrix: see `Turned`.
        size: (height, width) of the crop.
    """
    if matrix is None:
        return mask
    cv2 = opencv()
    centres = np.array(matrix, float)
    centres[:, 2] += centres[:, :2] @ (0.5, 0.5) - 0.5
    back = cv2.warpAffine(
        mask, centres, (size[1], size[0]), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(back, np.float32)


def turn_points_back(points: NDArray[Any], matrix: NDArray[Any] | None) -> NDArray[np.float32]:
    """Return points (..., 2) of a turned crop in the crop's own x and y."""
    if matrix is None:
        return np.asarray(points, np.float32)
    back = opencv().invertAffineTransform(np.asarray(matrix, float))
    return np.asarray(np.asarray(points) @ back[:, :2].T + back[:, 2], np.float32)


def _quarter_matrix(size: tuple[int, int], times: int) -> NDArray[np.float64]:
    height, width = size
    matrices = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, 1, 0], [-1, 0, width]],
        2: [[-1, 0, width], [0, -1, height]],
        3: [[0, -1, height], [1, 0, 0]],
    }
    return np.array(matrices[times], float)

"""A photograph at several sizes: a network that learned letters of some sizes sees larger ones where they are small."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmenter.choices import Scales
from segmenter.preprocess import rescale
from segrec.core.errors import ConfigError

SMALLEST_HALF = 96
"""The default halves a picture as long as its longest side is at least this, for a third more work than its own size.

So a photograph of any resolution is seen down to the same size, at which its largest letters are small.
"""


SHORTEST = 32
"""Pixels that a longest side must have: a smaller number, such as 2, is meant as a share, and nothing would be seen."""


def check_scales(scales: Scales) -> tuple[float, ...] | None:
    """Return the scales one by one; None stands for the default ones.

    Args:
        scales: None or "auto"; or one number or several, of which those up to 1 are shares of the picture's own size
            and larger ones are longest sides in pixels, whole numbers from 32 on.

    Raises:
        ConfigError: there is none, or one is not such a number.
    """
    if scales is None or isinstance(scales, str):
        if scales in (None, "auto"):
            return None
        raise ConfigError(f"scales must be 'auto', a number or a list of numbers, got {scales!r}")
    chosen: tuple[float, ...] = (scales,) if isinstance(scales, int | float) else tuple(scales)
    if not chosen:
        raise ConfigError("scales must name at least one size; write 1 for the picture's own size alone")
    for scale in chosen:
        number = isinstance(scale, int | float) and not isinstance(scale, bool)
        if not number or not 0 < scale < np.inf or (scale > 1 and scale != int(scale)):
            raise ConfigError(
                f"a scale must be a share of the picture's own size in (0, 1] or a longest side in whole pixels, "
                f"got {scale!r}"
            )
        if 1 < scale < SHORTEST:
            raise ConfigError(
                f"a scale of {scale:g} is a longest side of {scale:g} pixels, of which at least {SHORTEST} are needed; "
                "shares of the picture's own size go up to 1: for more, enlarge the picture first"
            )
    return chosen


def level_sizes(size: tuple[int, int], scales: tuple[float, ...] | None) -> list[tuple[int, int]]:
    """Return the (height, width) at which a picture enters the network, largest first, each once.

    No size is larger than the picture's own; the aspect ratio is kept to rounding.

    Args:
        size: (height, width) of the picture.
        scales: from `check_scales`.
    """
    longest = max(size)
    if scales is None:
        halvings = max(0, int(np.log2(longest / SMALLEST_HALF)))
        shares = [0.5**times for times in range(halvings + 1)]
    else:
        shares = [scale if scale <= 1 else min(1.0, scale / longest) for scale in scales]
    height, width = size
    return list(
        dict.fromkeys(
            (max(1, round(height * share)), max(1, round(width * share))) for share in sorted(shares, reverse=True)
        )
    )


def join_levels(
    levels: Sequence[NDArray[np.float32]], size: tuple[int, int], *, reuse: bool = False
) -> NDArray[np.float32]:
    """Return one map of `size` from those of a picture's levels: halfway between their mean and their largest value.

    A level that does not see a letter of some size says nothing against it, so the mean alone loses what one level
    sees; a level's mistakes are its own, so the largest value alone adds them all up. Halfway, a pixel is on where one
    level is sure or several agree. A single level is handed on as it is.

    Args:
        levels: at least one, (h, w) each, in [0, 1].
        size: (height, width) of the result.
        reuse: whether the result may take the memory of the first level, which it then changes.
    """
    first = rescale(levels[0], size)
    if len(levels) == 1:
        return first
    total, largest = first.copy(), first if reuse or first is not levels[0] else first.copy()
    for level in levels[1:]:
        whole = rescale(level, size)
        total += whole
        np.maximum(largest, whole, out=largest)
    total /= len(levels)
    largest += total
    largest /= 2
    return largest

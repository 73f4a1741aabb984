"""Pictures that show a mask: tinted over its image, or beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv, resize
from segrec.reports.strokes import Strokes

GAP_GREY = 128
"""Grey of the gap between parts; it stands out from white paper and from black masks alike."""

TINTS = ((255, 0, 80), (0, 220, 255))

OPACITY = 0.55

LINE_SHARE = 900
"""An outline is one pixel wide, and wider in pictures whose longest side is a larger multiple of this."""

AROUND_SHARE = 60
"""The colours around a place are those within the longest side by this."""

BAND = 256
"""Rows drawn at once, so that a large picture needs little more than its own memory."""


def overlay(
    image: Array, mask: NDArray[Any], *, color: tuple[int, int, int] = TINTS[0], opacity: float = OPACITY
) -> Array:
    """Return the image, (H, W, 3) uint8 RGB, tinted where the mask is on; pixels where it is 0 stay as they were.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W), uint8 in 0..255 or float in [0, 1]; a half-on pixel takes half the tint.
        color: RGB of the tint, each 0..255.
        opacity: share of the tint where the mask is fully on, in [0, 1].

    Raises:
        ValueError: shapes, types or ranges are others than these.
    """
    _check_pair(image, mask)
    if len(color) != 3 or not all(0 <= value <= 255 for value in color):
        raise ValueError(f"color must be three values in 0..255, got {color}")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must be in [0, 1], got {opacity}")
    levels, tint = mask_levels(mask), np.asarray(color, np.float32)
    result = np.empty_like(image)
    for rows, _, _ in _bands(len(image)):
        result[rows] = _tinted(image[rows], levels[rows], tint, opacity)
    return result


def tint_for(image: Array) -> tuple[int, int, int]:
    """Return the tint, RGB, that stands out further from the image's mean colour: pink, or cyan on red grounds.

    Args:
        image: (H, W, 3) uint8 RGB.
    """
    mean = image.reshape(-1, 3).mean(axis=0)
    return max(TINTS, key=lambda tint: float(np.abs(np.subtract(tint, mean)).sum()))


def outlined(image: Array, mask: NDArray[Any]) -> Array:
    """Return the image tinted by `overlay`, with a thin line around the mask, both seen on any ground.

    The tint of each stroke is the one that stands out from the colours around it; the line lies outside the pixels from
    0.5 on, white where the image is dark, black where it is bright.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W), uint8 in 0..255 or float in [0, 1].

    Raises:
        ValueError: shapes, types or ranges are others than these.
    """
    result = image.copy()
    outline_in(result, mask)
    return result


def outline_in(picture: Array, mask: NDArray[Any]) -> None:
    """Do what `outlined` does in the picture itself, which may be large; for arguments and errors see there."""
    _check_pair(picture, mask)
    levels, thickness = mask_levels(mask), _thickness(mask)
    strokes = Strokes(levels, [rows for rows, _, _ in _bands(len(picture))])
    tints = np.asarray(TINTS, np.float32)[_leanings(picture, strokes)]  # (strokes, 3)
    above = picture[:0]
    for rows, around, own in _bands(len(picture), margin=2 * thickness):
        image = np.concatenate([above, picture[rows.start : around.stop]])
        above = image[max(0, own.stop - 2 * thickness) : own.stop].copy()
        if levels[around].any():
            band = _tinted(image[own], levels[rows], tints[strokes.of(rows)], OPACITY)
            picture[rows] = _lined(band, image, levels[around], own, thickness)


def mask_levels(mask: NDArray[Any]) -> Array:
    """Return a mask as (H, W) uint8 levels, 0..255; one that has this form comes back itself.

    Args:
        mask: (H, W), uint8 in 0..255 or float in [0, 1].

    Raises:
        ValueError: its type or range is another.
    """
    if mask.dtype == np.uint8:
        return mask
    if not np.issubdtype(mask.dtype, np.floating):
        raise ValueError(f"a mask must be uint8 in 0..255 or float in [0, 1], got {mask.dtype}")
    low, high = mask.min(initial=0.0), mask.max(initial=0.0)
    if not (low >= 0 and high <= 1):
        raise ValueError(f"a float mask must lie in [0, 1], got values from {low:g} to {high:g}")
    levels = np.empty(mask.shape, np.uint8)
    for rows, _, _ in _bands(len(mask)):
        levels[rows] = (mask[rows] * 255).round()
    return levels


def _leanings(image: Array, strokes: Strokes) -> NDArray[np.intp]:
    """Return (strokes,), which of the two `TINTS` stands out further from the colours around each stroke."""
    radius = max(image.shape) // AROUND_SHARE
    sums = np.zeros(strokes.count)
    for rows, around, own in _bands(len(image), margin=radius):
        labels = strokes.of(rows)
        on = labels > 0
        if not on.any():
            continue
        colors = opencv().blur(image[around], (2 * radius + 1,) * 2)[own][on].astype(np.int16)
        first, second = (np.abs(colors - np.array(tint, np.int16)).sum(axis=1) for tint in TINTS)
        sums += np.bincount(labels[on], weights=first - second, minlength=strokes.count)
    return (sums < 0).astype(np.intp)


def _lined(tinted: NDArray[np.float32], image: Array, levels: Array, own: slice, thickness: int) -> NDArray[np.float32]:
    """Return a tinted band with the line around its mask.

    Args:
        tinted: (h, W, 3).
        image, levels: the band with rows of its neighbours around.
        own: the band's rows in those.
        thickness: of the line.
    """
    cv2 = opencv()
    inside = (levels >= 128).astype(np.uint8)
    grown = cv2.dilate(inside, np.ones((2 * thickness + 1,) * 2, np.uint8))
    line = (grown > inside)[own]
    ground = cv2.blur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (4 * thickness + 1,) * 2)[own]
    tinted[line] = np.where(ground[line] < 128, 255, 0)[:, None]
    return tinted


def _thickness(mask: NDArray[Any]) -> int:
    return max(1, round(int(max(mask.shape)) / LINE_SHARE))


def _tinted(image: Array, levels: Array, tint: NDArray[np.float32], opacity: float) -> NDArray[np.float32]:
    """Return rows of a picture under a tint, of all pixels or of each, as float32 in whole numbers."""
    share = (levels.astype(np.float32) * np.float32(opacity / 255))[:, :, None]
    mixed: NDArray[np.float32] = (image * (1 - share) + tint * share).round()
    return mixed


def _bands(height: int, *, margin: int = 0) -> Iterator[tuple[slice, slice, slice]]:
    """Yield the rows of each band, the same with up to `margin` rows on either side, and the former in the latter."""
    for top in range(0, height, BAND):
        rows = slice(top, min(top + BAND, height))
        around = slice(max(0, top - margin), min(rows.stop + margin, height))
        yield rows, around, slice(top - around.start, rows.stop - around.start)


def _check_pair(image: Array, mask: NDArray[Any]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"the image must be (H, W, 3) uint8, got {image.shape} {image.dtype}")
    if mask.shape != image.shape[:2]:
        raise ValueError(f"the mask must be {image.shape[:2]} like the image, got {mask.shape}; resize it first")


def side_by_side(parts: Sequence[NDArray[Any]], *, height: int) -> Array:
    """Return the parts in one row, (height, W, 3) uint8 RGB, with a thin grey gap between them.

    Args:
        parts: images (H, W, 3) uint8 RGB, and masks (H, W), uint8 or float in [0, 1], shown as grey; at least one.
        height: of the row, 1 or more; every part keeps its aspect ratio.

    Raises:
        ValueError: there are no parts, one is neither image nor mask, or the height is below 1.
    """
    if not parts:
        raise ValueError("side_by_side needs at least one part, got none")
    if height < 1:
        raise ValueError(f"height must be 1 or more, got {height}")
    gap = np.full((height, max(2, height // 24), 3), GAP_GREY, np.uint8)
    row = [piece for part in parts for piece in (gap, _scaled(_as_rgb(part), height))]
    return np.concatenate(row[1:], axis=1)


def _as_rgb(part: NDArray[Any]) -> Array:
    if 0 in part.shape:
        raise ValueError(f"a part holds no pixels: its shape is {part.shape}")
    if part.ndim == 2:
        return np.repeat(mask_levels(part)[:, :, None], 3, axis=2)
    if part.ndim == 3 and part.shape[2] == 3 and part.dtype == np.uint8:
        return part
    raise ValueError(f"a part must be (H, W, 3) uint8 or a mask (H, W), got {part.shape} {part.dtype}")


def _scaled(image: Array, height: int) -> Array:
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return resize(image, (height, width), "area" if height < image.shape[0] else "bilinear")

"""Random changes to a prepared word input that move image and mask together and never colour the mask."""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import LUMA_WEIGHTS, Array, encode_jpeg, opencv

_ASPECT = 3.0
"""Words are moved as if they were three times as wide as high, whatever size they were squeezed to."""


def augment_word(prepared: Array, rng: np.random.Generator, *, color_channels: int) -> Array:
    """Return a changed copy of one network input; lengths are relative to its size.

    Four in five inputs are moved: turned, sheared, scaled and shifted a little, one in eight of them turned a lot, one
    in three seen from the side, one in eight bent; all channels alike, linearly interpolated, with the border's values
    beyond it. The rest changes the colour channels alone: contrast, brightness, colours and tone curve of two in three,
    blur or low resolution of one in four, noise in one in four, JPEG artefacts in one in seven. Amounts are not stated
    in the paper.

    Args:
        prepared: (C, H, W) uint8, colour channels first, then perhaps a mask.
        rng: decides everything.
        color_channels: how many of the C channels are colour: 1 or 3.
    """
    cv2 = opencv()
    planes = prepared
    if rng.random() < 0.8:
        moved = _moved(cv2.merge(list(prepared)), rng)  # (H, W, C), for one channel (H, W)
        planes = cv2.split(moved)
    color = cv2.merge(list(planes[:color_channels]))
    if rng.random() < 0.66:
        color = _toned(color, rng)
    if rng.random() < 0.25:
        color = _blurred(color, rng)
    if rng.random() < 0.25:
        color = _noisy(color, rng)
    if rng.random() < 0.15:
        color = _compressed(color, rng)
    return np.stack([*cv2.split(color), *planes[color_channels:]])


def _moved(picture: Array, rng: np.random.Generator) -> Array:
    """Warp (H, W) or (H, W, C) to a random quadrilateral."""
    cv2 = opencv()
    height, width = picture.shape[:2]
    scale = np.array([width / _ASPECT, height])
    middle = np.array([width - 1, height - 1]) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (_ASPECT / 2, 0.5)
    source, target = (points * scale + middle for points in (corners, _quadrilateral(corners, rng)))
    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
    if rng.random() < 0.125:
        columns, rows = _bent_grid(np.linalg.inv(matrix), float(rng.uniform(-0.35, 0.35)), height, width)
        warped = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    else:
        warped = cv2.warpPerspective(
            picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return np.asarray(warped, dtype=np.uint8)


def _quadrilateral(corners: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return where the (4, 2) corners of the word go, in units of its height around its middle.

    What would leave the picture by more than a tenth of it is made smaller, so that no character gets lost.
    """
    degrees = float(rng.uniform(-15, 15) if rng.random() < 0.125 else rng.normal(0, 2))
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    (scale_x, scale_y), shear = rng.uniform(0.92, 1.1, size=2), float(rng.normal(0, 0.14))
    linear = np.array([[scale_x * cosine, scale_y * (shear * cosine - sine)], [scale_x * sine, scale_y * cosine]])
    moved = corners @ linear.T
    if rng.random() < 0.33:
        moved += rng.uniform(-0.15, 0.15, size=(4, 2))
    reach = float((np.abs(moved) / (_ASPECT / 2, 0.5)).max())
    shift = rng.uniform(-1, 1, size=2) * (0.03 * _ASPECT, 0.06)
    fitted: NDArray[np.float64] = moved * min(1.0, 1.1 / reach) + shift
    return fitted


def _bent_grid(
    inverse: NDArray[np.float64], bend: float, height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the source column and row of each pixel, (H, W) each: `inverse`, then a parabola `bend` heights deep.

    Heights shrink by as much as the parabola needs, so that it cuts nothing off.
    """
    across, down = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    column, row, depth = (across * float(a) + down * float(b) + float(c) for a, b, c in inverse)
    column, row = column / depth, row / depth
    aside = (column + 0.5) * (2 / width) - 1  # -1 and 1 at the word's ends
    arch = np.minimum(aside * aside, 1.5) - 0.5
    row = (row - (height - 1) / 2) * (1 + abs(bend)) + arch * (bend * height) + (height - 1) / 2
    return column.astype(np.float32), row.astype(np.float32)


def _toned(color: Array, rng: np.random.Generator) -> Array:
    """Apply random tone tables: contrast around the mean, brightness, gamma, sometimes inversion, a cast of colour."""
    cv2 = opencv()
    channels = 1 if color.ndim == 2 else color.shape[2]
    if channels == 3 and rng.random() < 0.3:
        saturation = float(rng.uniform(0, 1.6))
        color = cv2.transform(color, saturation * np.eye(3) + (1 - saturation) * np.array(LUMA_WEIGHTS))
    mean = float(np.mean(cv2.mean(color)[:channels])) / 255
    levels: NDArray[np.floating[Any]] = np.arange(256, dtype=np.float32)[:, None] / 255 - mean
    levels = levels * float(rng.uniform(0.55, 1.4)) + mean + float(rng.normal(0, 0.08))
    if channels == 3:
        gains, offsets = np.exp(rng.normal(0, 0.08, size=3)), rng.normal(0, 0.04, size=3)
        levels = levels * gains.astype(np.float32) + offsets.astype(np.float32)
    levels = np.clip(levels, 0, 1) ** float(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.08:
        levels = 1 - levels
    tables = (levels * 255).round().astype(np.uint8)[None]  # (1, 256, channels)
    return np.asarray(cv2.LUT(color, tables if channels == 3 else tables[..., 0]), dtype=np.uint8)


def _blurred(color: Array, rng: np.random.Generator) -> Array:
    """Return the image blurred, more along one axis than along the other, or shrunk and enlarged again."""
    cv2 = opencv()
    height, width = color.shape[:2]
    if rng.random() < 0.5:
        across, down = rng.uniform(0.3, 1.2, size=2) * height / 32
        return np.asarray(cv2.GaussianBlur(color, (0, 0), float(across), sigmaY=float(down)), dtype=np.uint8)
    fraction = float(rng.uniform(0.4, 0.8))
    size = max(1, round(width * fraction)), max(1, round(height * fraction))
    small = cv2.resize(color, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _noisy(color: Array, rng: np.random.Generator) -> Array:
    """Add normal noise, drawn as bytes and looked up, which is ten times faster than drawing normal numbers."""
    cv2 = opencv()
    table = (_quantiles() * float(rng.uniform(2, 14))).round().astype(np.int16)
    noise = cv2.LUT(rng.integers(0, 256, size=color.shape, dtype=np.uint8), table[None])
    return np.asarray(cv2.add(color, noise, dtype=cv2.CV_8U), dtype=np.uint8)


@cache
def _quantiles() -> NDArray[np.float64]:
    """Return 256 equally likely values of the standard normal distribution."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((index + 0.5) / 256) for index in range(256)])


def _compressed(color: Array, rng: np.random.Generator) -> Array:
    """Store as JPEG of a low quality and read again."""
    cv2 = opencv()
    data = encode_jpeg(color, quality=int(rng.integers(15, 71)))
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB) if color.ndim == 3 else decoded, dtype=np.uint8)

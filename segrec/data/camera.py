"""A bad camera: glare, shadow, blur, few pixels, sharpening and noise, and how clear they leave a word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segrec.core.channels import all_levels, in_channels, in_color, mapped
from segrec.core.images import LUMA, Array, Interpolation, opencv, resize

HEIGHTS = (8, 32)
QUALITIES = (25, 71)
LEAST_EM = 9.0
"""Pixels an em that a word keeps; a bent or turned word is that much higher."""
TRIES = 8
CLEAR = (16.0, 0.5)
"""Least contrast in grey levels and least correlation with its strokes of a word that a human can mostly read."""


def final_size(size: tuple[int, ...], em: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return the (height, width) of a hard crop, 8 to 32 pixels high, with the aspect ratio of `size`.

    Args:
        size: (height, width) of the drawn word.
        em: pixels per em in it.
    """
    least = float(np.clip(LEAST_EM * size[0] / em, *HEIGHTS))
    height = float(np.clip(np.exp(rng.normal(np.log(20), 0.35)), least, HEIGHTS[1]))
    return max(HEIGHTS[0], round(height)), max(4, round(size[1] * height / size[0]))


def photograph_badly(
    image: Array, strokes: Array, size: tuple[int, int], rng: np.random.Generator, *, em: float
) -> tuple[Array, Array]:
    """Return the image as a bad camera gives it at `size`, and its strokes resampled to that size and nothing else.

    Args:
        image: (H, W, 3) uint8 RGB.
        strokes: (H, W) uint8.
        size: (height, width) of the result.
        em: pixels per em in `image`.
    """
    image = worse_light(image, rng)
    image = worse_focus(image, rng, em=em)
    small = np.asarray(resize(image, size, "area"), dtype=np.uint8)
    small = worse_sensor(small, rng)
    return small, np.asarray(resize(strokes, size, "area"), dtype=np.uint8)


def clearness(image: Array, strokes: Array) -> float:
    """Return how readable a word is: 1 and more when its strokes stand out from what is beside them, less otherwise.

    Args:
        image: (H, W, 3) uint8 RGB.
        strokes: (H, W) uint8, the word's ink before anything made it hard to read.
    """
    ink, luma = strokes.astype(np.float32) / 255, image.astype(np.float32) @ LUMA
    reach = max(1.0, 0.3 * image.shape[0])
    ink, luma = (values - opencv().GaussianBlur(values, (0, 0), reach) for values in (ink, luma))
    shared, own = abs(float((ink * luma).sum())), float((ink * ink).sum())
    contrast = shared / max(own, 1e-6)
    correlation = shared / max(float(np.sqrt(own * float((luma * luma).sum()))), 1e-6)
    return min(contrast / CLEAR[0], correlation / CLEAR[1])


def worse_light(image: Array, rng: np.random.Generator) -> Array:
    """Return the image with a partial shadow, a glare, haze or a wrong exposure, each at times."""
    light = _local_light(image, rng)
    toned = _toned(all_levels().astype(np.float32) if light is None else light, rng)
    return mapped(image, toned) if light is None else toned


def _local_light(image: Array, rng: np.random.Generator) -> NDArray[np.float32] | None:
    """Return the image in a light that is not the same everywhere, (H, W, 3) grey levels; None where it is."""
    light = None
    if rng.random() < 0.22:
        light = image.astype(np.float32) * in_channels(_shade(image.shape[:2], rng))
    if rng.random() < 0.15:
        glare = _glare(image.shape[:2], rng)
        light = image.astype(np.float32) if light is None else light
        light += in_color(glare, rng.uniform(60, 190) * rng.uniform(0.85, 1, size=3))
    return light


def _toned(light: NDArray[np.float32], rng: np.random.Generator) -> Array:
    """Return the (H, W, 3) levels in haze or wrongly exposed, each at times; `light` may change."""
    if rng.random() < 0.25:
        haze = rng.uniform(0.15, 0.6)
        light += haze * (rng.uniform(70, 230) + rng.normal(0, 12, size=3) - light)
    if rng.random() < 0.35:
        exposure = float(np.exp(rng.uniform(-1.0, 0.5)))
        light = light * exposure + (rng.normal(0, 4, size=3) if exposure < 1 else 0)
    return np.asarray(np.clip(light, 0, 255), dtype=np.uint8)


def _shade(size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the share of light that is left where an edge, a pole or a leaf throws its shadow, (H, W)."""
    height, width = size
    cv2, shadow = opencv(), np.zeros((height, width), dtype=np.float32)
    if rng.random() < 0.6:
        cut, lean = rng.uniform(0.15, 0.85) * width, rng.normal(0, 0.6) * height
        points = np.array([[-1, -1], [cut + lean, -1], [cut - lean, height], [-1, height]])
        outlines = [points]
    else:
        starts = rng.uniform(0, width, size=int(rng.integers(1, 4)))
        wide, lean = rng.uniform(0.15, 0.8) * height, rng.normal(0, 0.6) * height
        bar = np.array([[0, -1], [wide, -1], [wide - lean, height], [-lean, height]])
        outlines = [bar + np.array([start, 0]) for start in starts]
    for outline in outlines:
        cv2.fillPoly(shadow, [np.round(outline).astype(np.int32)], 1.0)
    if rng.random() < 0.3:
        shadow = 1 - shadow
    soft = np.asarray(cv2.GaussianBlur(shadow, (0, 0), height * float(rng.uniform(0.01, 0.12))))
    return np.asarray(1 - soft * rng.uniform(0.3, 0.7), dtype=np.float32)


def _glare(size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return one soft spot of light, (H, W) in [0, 1]."""
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    middle = rng.uniform(0, 1, size=2) * size
    reach = size[0] * rng.uniform(0.3, 1.2, size=2)
    distance = ((rows - middle[0]) / reach[0]) ** 2 + ((columns - middle[1]) / reach[1]) ** 2
    return np.asarray(np.exp(-distance), dtype=np.float32)


def worse_focus(image: Array, rng: np.random.Generator, *, em: float) -> Array:
    """Return the image out of focus, moved, or enlarged from few pixels, each at times.

    Args:
        image: (H, W, 3) uint8 RGB.
        em: pixels per em of its text; it decides how much blur leaves it readable.
    """
    cv2 = opencv()
    if rng.random() < 0.45:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), max(0.3, em * float(rng.uniform(0.015, 0.075)))))
    if rng.random() < 0.25:
        image = np.asarray(cv2.filter2D(image, -1, _streak(em * float(rng.uniform(0.06, 0.24)), rng)))
    if rng.random() < 0.45:
        share = float(np.exp(rng.uniform(np.log(7.5), np.log(18)))) / em
        if share < 1:
            few = (max(3, round(image.shape[0] * share)), max(3, round(image.shape[1] * share)))
            back: Interpolation = "bicubic" if rng.random() < 0.7 else "bilinear"
            image = np.asarray(resize(resize(image, few, "area"), (image.shape[0], image.shape[1]), back), np.uint8)
    return image


def _streak(length: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a kernel that smears by `length` pixels in a random direction; it is symmetric and moves nothing."""
    side = 2 * max(1, round(length / 2)) + 1
    steps = np.linspace(-0.5, 0.5, 8 * side) * (side - 1)
    turn, kernel = float(rng.uniform(0, np.pi)), np.zeros((side, side), dtype=np.float32)
    rows, columns = (np.round(steps * axis + side // 2).astype(int) for axis in (np.sin(turn), np.cos(turn)))
    np.add.at(kernel, (rows, columns), 1.0)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def worse_sensor(image: Array, rng: np.random.Generator) -> Array:
    """Return the image with the halos of a sharpening camera, noise and few colours, each at times."""
    picture = image.astype(np.float32)
    if rng.random() < 0.3:
        soft = opencv().GaussianBlur(picture, (0, 0), float(rng.uniform(0.7, 1.6)))
        picture += float(rng.uniform(0.4, 1.8)) * (picture - soft)
    if rng.random() < 0.4:
        channels = 1 if rng.random() < 0.5 else 3
        picture += rng.normal(0, float(rng.gamma(1.5, 3.0)), size=(*image.shape[:2], channels))
    return np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)

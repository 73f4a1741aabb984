"""What a camera does to a picture: light, blur, few pixels, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segrec.core.channels import in_channels
from segrec.core.images import Array, opencv, resize


def photograph(
    image: Array, masks: tuple[Array, ...], size: tuple[int, int], rng: np.random.Generator, *, harshness: float = 1.0
) -> tuple[Array, tuple[Array, ...]]:
    """Return the image as a camera would give it at `size`, and its masks at the same size.

    Args:
        image: (H, W, 3) uint8 RGB.
        masks: (H, W) uint8 masks of the same scene; they are resampled but neither blurred nor made noisy.
        size: (height, width) of the result.
        harshness: scales blur and noise; 0 only resamples.
    """
    height = image.shape[0]
    if rng.random() < 0.35 * min(harshness, 1):
        image = _lit(image, rng)
    if rng.random() < 0.6 * min(harshness, 1):
        image = _blurred(image, rng, harshness * height)
    shrink = "area" if size[0] < height else "bilinear"
    small = resize(image, size, "area" if size[0] < height else "bicubic")
    if rng.random() < 0.55 * min(harshness, 1):
        small = _noisy(np.asarray(small, dtype=np.uint8), rng, harshness)
    return np.asarray(small, dtype=np.uint8), tuple(
        np.asarray(resize(mask, size, "area" if shrink == "area" else "bilinear"), dtype=np.uint8) for mask in masks
    )


def _lit(image: Array, rng: np.random.Generator) -> Array:
    """Add a highlight or a shadow that fades across the picture, and bend the tone curve."""
    height, width = image.shape[:2]
    knots = rng.normal(1, 0.25, size=(2, 3)).astype(np.float32)
    light: NDArray[np.float32] = np.asarray(resize(knots, (height, width)))
    return np.asarray(np.clip(image * in_channels(light) + rng.normal(0, 12), 0, 255), dtype=np.uint8)


def _blurred(image: Array, rng: np.random.Generator, scale: float) -> Array:
    cv2 = opencv()
    if rng.random() < 0.7:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), max(0.3, scale * float(rng.gamma(1.6, 0.014)))))
    length = max(2, round(scale * float(rng.uniform(0.03, 0.14))))
    kernel = np.zeros((length, length), dtype=np.float32)
    middle = (length - 1) / 2
    turn = float(rng.uniform(0, np.pi))
    reach = np.array([np.cos(turn), np.sin(turn)]) * middle
    first, last = np.round(middle - reach).astype(int).tolist(), np.round(middle + reach).astype(int).tolist()
    cv2.line(kernel, first, last, 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6)))


def _noisy(image: Array, rng: np.random.Generator, harshness: float) -> Array:
    height, width = image.shape[:2]
    sigma = float(rng.gamma(1.5, 4.0)) * harshness
    shape = (height, width) if rng.random() < 0.5 else (height, width, 3)
    noise = rng.standard_normal(shape, dtype=np.float32) * np.float32(sigma)
    noise = in_channels(noise) if noise.ndim == 2 else noise
    return np.asarray(np.clip(image + noise, 0, 255), dtype=np.uint8)

"""How ink meets a background: colours with a wanted contrast, outlines, shadows, plates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segrec.core.channels import in_channels, mean_color
from segrec.core.images import LUMA, Array, opencv

Color = NDArray[np.float32]
INKED = 64
"""Coverage above which the ground counts as lying under the ink."""


def paint(
    background: Array, coverage: Array, rng: np.random.Generator, *, color: Color | None = None
) -> tuple[Array, Array]:
    """Paint a word onto a background.

    Args:
        background: (H, W, 3) uint8 RGB.
        coverage: (H, W) uint8, the word's ink, 0..255.
        color: the ink's RGB; None draws one that mostly stands out.

    Returns:
        (image, stroke mask): the painted (H, W, 3) uint8 RGB and the (H, W) uint8 strokes that are text. For hollow
        letters the strokes are the outline itself; shadows and coloured rims around filled letters are not text.
    """
    canvas = background.astype(np.float32)
    height = coverage.shape[0]
    fill = ink_color(luma_under(background, coverage), rng) if color is None else color
    strokes = coverage
    if rng.random() < 0.16:
        canvas = _shadow(canvas, coverage, fill, rng)
    effect = rng.random()
    if effect < 0.14:
        rim = grown(coverage, max(1, round(height * float(rng.uniform(0.015, 0.05)))))
        canvas = blend(canvas, rim, ink_color(_luma_of(fill, coverage), rng))
    elif effect < 0.17 and height > 28:
        strokes = np.asarray(opencv().subtract(grown(coverage, 1), shrunk(coverage, 1)))
    ink: NDArray[np.float32] = fill
    if rng.random() < 0.2:
        streaks = in_channels(_streaks(coverage.shape, rng)).reshape(height, -1)
        ink = (np.tile(ink, coverage.shape[1]) + streaks).reshape(canvas.shape)
    opacity = 1.0 if rng.random() < 0.8 else float(rng.uniform(0.6, 0.95))
    canvas = blend(canvas, strokes, ink, opacity)
    return np.clip(canvas, 0, 255).astype(np.uint8), strokes


def luma_under(ground: Array, coverage: Array) -> float:
    """Return the mean luma of an (H, W, 3) uint8 ground under the ink, or of all of it where there is hardly any.

    Of at most `channels.EXACT_PIXELS` pixels under the ink it has the bits of numpy's mean of float32 pixels.
    """
    cv2, inked = opencv(), (coverage > INKED).view(np.uint8)
    pixels = cv2.countNonZero(inked)
    if not pixels:
        return float(mean_color(ground.astype(np.float32)) @ LUMA)
    sums = np.rint(np.array(cv2.mean(ground, inked)[:3]) * pixels)
    return float((sums / pixels).astype(np.float32) @ LUMA)


def _luma_of(fill: Color, coverage: Array) -> float:
    """Return the luma of a ground of one colour; added up as pixels are, since rounding decides rendered bytes."""
    pixels = int(np.count_nonzero(coverage > INKED))
    if not pixels:
        return float(np.broadcast_to(fill, (*coverage.shape, 3)).mean(axis=(0, 1)) @ LUMA)
    return float(np.broadcast_to(fill, (pixels, 3)).copy().mean(axis=0) @ LUMA)


def ink_color(luma: float, rng: np.random.Generator) -> Color:
    """Return a random colour whose luma differs from that of the ground by a random, mostly large amount."""
    wanted = float(rng.uniform(22, 60)) if rng.random() < 0.22 else float(rng.uniform(60, 200))
    room = (luma, 255 - luma)
    sign = 1 if rng.random() < room[1] / 255 else -1
    target = luma + sign * min(wanted, max(room[(sign + 1) // 2], 1.0))
    if abs(target - luma) < 22:
        target = luma - sign * wanted
    chroma = rng.normal(0, 1, size=3) * rng.choice([0.0, 25.0, 70.0])
    color = np.clip(target + chroma - float(chroma @ LUMA), 0, 255)
    color += target - float(color @ LUMA)
    return np.asarray(np.clip(color, 0, 255), dtype=np.float32)


def plate(canvas: Array, rng: np.random.Generator) -> Array:
    """Return the canvas with a sign's plate on it: a flat, sometimes bordered, rectangle that text can stand on."""
    height, width = canvas.shape[:2]
    color = rng.uniform(0, 255, size=3)
    inset = (rng.uniform(-0.1, 0.12, size=4) * height).astype(int)
    first = (int(inset[0]), int(inset[1]))
    last = (width - 1 - int(inset[2]), height - 1 - int(inset[3]))
    painted = canvas.copy()
    cv2 = opencv()
    cv2.rectangle(painted, first, last, color.tolist(), -1)
    if rng.random() < 0.5:
        cv2.rectangle(painted, first, last, rng.uniform(0, 255, size=3).tolist(), max(1, height // 20))
    mix = float(rng.uniform(0.75, 1.0))
    return np.asarray(cv2.addWeighted(painted, mix, canvas, 1 - mix, 0.0))


def blend(
    canvas: NDArray[np.float32], coverage: Array, color: NDArray[np.float32], opacity: float = 1.0
) -> NDArray[np.float32]:
    """Return the (H, W, 3) canvas with a colour, or a picture of one size with it, laid on where `coverage` is."""
    height, width = coverage.shape
    share = coverage.astype(np.float32) * np.float32(opacity / 255)
    rows = canvas.reshape(height, 3 * width)
    blended = (np.tile(color, width) if color.ndim == 1 else color.reshape(rows.shape)) - rows
    blended *= in_channels(share).reshape(rows.shape)
    blended += rows
    return blended.reshape(canvas.shape)


def _shadow(canvas: NDArray[np.float32], coverage: Array, fill: Color, rng: np.random.Generator) -> NDArray[np.float32]:
    height = coverage.shape[0]
    dx, dy = (int(value) for value in np.round(rng.uniform(-0.08, 0.08, size=2) * height))
    moved = np.asarray(
        opencv().warpAffine(coverage, np.array([[1, 0, dx], [0, 1, dy]], dtype=np.float32), coverage.shape[::-1])
    )
    if rng.random() < 0.6:
        moved = np.asarray(opencv().GaussianBlur(moved, (0, 0), max(0.5, height * float(rng.uniform(0.01, 0.05)))))
    tone = np.zeros(3, dtype=np.float32) if float(fill @ LUMA) > 90 else np.full(3, rng.uniform(100, 255), np.float32)
    return blend(canvas, moved, tone, float(rng.uniform(0.3, 0.9)))


def grown(coverage: Array, pixels: int) -> Array:
    """Return the (H, W) uint8 coverage, wider by `pixels` on all sides."""
    return np.asarray(opencv().dilate(coverage, disc(pixels)))


def shrunk(coverage: Array, pixels: int) -> Array:
    """Return the (H, W) uint8 coverage, narrower by `pixels` on all sides."""
    return np.asarray(opencv().erode(coverage, disc(pixels)))


def disc(radius: int) -> Array:
    """Return a disc as a kernel, (2 radius + 1, 2 radius + 1) uint8."""
    return np.asarray(opencv().getStructuringElement(2, (2 * radius + 1, 2 * radius + 1)))


def _streaks(size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return slow brightness changes along the ink, (H, W) float32 in grey levels."""
    knots = rng.normal(0, 28, size=(int(rng.integers(2, 4)), int(rng.integers(2, 9)))).astype(np.float32)
    return np.asarray(opencv().resize(knots, (size[1], size[0]), interpolation=1))

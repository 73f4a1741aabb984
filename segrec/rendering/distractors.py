"""Things that look a little like text and are none: bricks, fences, foliage, windows, rods, rings and others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from segrec.core.channels import mean_color
from segrec.core.images import LUMA, Array, opencv

Distractor = Callable[[Array, np.random.Generator], None]
"""Draws over the whole of an (H, W, 3) uint8 RGB canvas, in place."""


def scatter(canvas: Array, rng: np.random.Generator, *, most: int = 6) -> Array:
    """Return the canvas with 1 to `most` distractors, each in a turned quadrilateral of its own.

    Args:
        canvas: (H, W, 3) uint8 RGB; it is not changed.
    """
    height, width = canvas.shape[:2]
    scattered = canvas.copy()
    for _ in range(int(rng.integers(1, most + 1))):
        high = max(8, int(height * rng.uniform(0.12, 0.7)))
        wide = max(8, int(width * rng.uniform(0.12, 0.7)))
        top, left = (int(rng.integers(max(1, length - part + 1))) for length, part in ((height, high), (width, wide)))
        spot = (slice(top, top + high), slice(left, left + wide))
        before = np.ascontiguousarray(scattered[spot])
        drawn = cover(before, rng)
        inside = np.zeros(before.shape[:2], dtype=np.uint8)
        opencv().fillConvexPoly(inside, _quadrilateral(inside.shape, rng), 255)
        scattered[spot] = np.where(inside[:, :, None] > 0, drawn, before)
    return scattered


def cover(canvas: Array, rng: np.random.Generator) -> Array:
    """Return the canvas with one distractor drawn all over it, half of the time seen in perspective."""
    drawn = canvas.copy()
    DISTRACTORS[int(rng.integers(len(DISTRACTORS)))](drawn, rng)
    if rng.random() < 0.5:
        return drawn
    height, width = canvas.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    moved = corners + rng.normal(0, 0.14, size=(4, 2)) * (width, height)
    cv2 = opencv()
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return np.asarray(cv2.warpPerspective(drawn, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101))


def _quadrilateral(size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.int32]:
    height, width = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    inward = rng.uniform(0, 0.25, size=(4, 2)) * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * (width, height)
    return np.asarray(np.round(corners + inward), dtype=np.int32)


def _tone(canvas: Array, rng: np.random.Generator) -> list[float]:
    """Return a colour that differs visibly from the canvas, as (red, green, blue)."""
    luma = float(mean_color(canvas) @ LUMA)
    step = float(rng.uniform(25, 140)) * (1 if rng.random() < (255 - luma) / 255 else -1)
    chroma = rng.normal(0, 1, size=3) * float(rng.choice([3.0, 20.0, 50.0]))
    return [float(value) for value in np.clip(luma + step + chroma, 0, 255)]


def _pitch(canvas: Array, rng: np.random.Generator, *, least: float = 4.0) -> float:
    """Return a distance between repeated parts, in pixels, from fine to a third of the canvas."""
    return float(np.exp(rng.uniform(np.log(least), np.log(max(least * 1.5, 0.35 * min(canvas.shape[:2]))))))


def bricks(canvas: Array, rng: np.random.Generator) -> None:
    """Draw courses of bricks, or of tiles where the courses are not shifted, each with a tone of its own."""
    cv2, (height, width) = opencv(), canvas.shape[:2]
    high = _pitch(canvas, rng, least=5)
    wide, joint = high * float(rng.uniform(0.9, 3.2)), max(1, round(high * float(rng.uniform(0.04, 0.2))))
    base, shift = np.array(_tone(canvas, rng)), 0.5 * float(rng.random() < 0.7)
    canvas[:] = np.clip(base + float(rng.choice([-1, 1])) * rng.uniform(20, 90), 0, 255)
    spread = float(rng.uniform(2, 22))
    for course in range(int(height / high) + 1):
        for column in range(-1, int(width / wide) + 1):
            left, top = (column + shift * (course % 2)) * wide, course * high
            last = (round(left + wide) - joint - 1, round(top + high) - joint - 1)
            color = np.clip(base + rng.normal(0, spread) + rng.normal(0, 3, size=3), 0, 255)
            cv2.rectangle(canvas, (round(left), round(top)), last, color.tolist(), -1)


def windows(canvas: Array, rng: np.random.Generator) -> None:
    """Draw a front of windows: framed panes in rows, some lit and some dark."""
    cv2, (height, width) = opencv(), canvas.shape[:2]
    high = _pitch(canvas, rng, least=7)
    wide, gap = high * float(rng.uniform(0.4, 1.4)), float(rng.uniform(0.25, 0.9))
    frame, dark, lit = _tone(canvas, rng), rng.uniform(0, 110, size=3).tolist(), rng.uniform(120, 255, size=3).tolist()
    for top in np.arange(high * gap / 2, height, high * (1 + gap)):
        for left in np.arange(wide * gap / 2, width, wide * (1 + gap)):
            first, last = (int(left), int(top)), (int(left + wide), int(top + high))
            cv2.rectangle(canvas, first, last, lit if rng.random() < 0.2 else dark, -1)
            cv2.rectangle(canvas, first, last, frame, max(1, round(high * 0.08)))
            if high > 12:
                middle = (first[0] + last[0]) // 2
                cv2.line(canvas, (middle, first[1]), (middle, last[1]), frame, 1)


def fence(canvas: Array, rng: np.random.Generator) -> None:
    """Draw upright bars, evenly spaced, with two or three rails across: a fence, a railing or a radiator."""
    cv2, (height, width) = opencv(), canvas.shape[:2]
    pitch, color = _pitch(canvas, rng), _tone(canvas, rng)
    bar, lean = max(1, round(pitch * float(rng.uniform(0.12, 0.55)))), float(rng.normal(0, 0.06)) * height
    top, bottom = int(height * rng.uniform(0, 0.3)), int(height * rng.uniform(0.7, 1))
    for left in np.arange(rng.uniform(0, pitch), width, pitch):
        cv2.line(canvas, (int(left), top), (int(left + lean), bottom), color, bar, cv2.LINE_AA)
    for share in rng.uniform(0, 1, size=int(rng.integers(0, 4))):
        level = int(top + share * (bottom - top))
        cv2.line(canvas, (0, level), (width, level), color, bar, cv2.LINE_AA)


def rods(canvas: Array, rng: np.random.Generator) -> None:
    """Draw upright rods of uneven width and length, as barcodes, book spines, trunks and candles are."""
    cv2, (height, width) = opencv(), canvas.shape[:2]
    pitch, ragged = _pitch(canvas, rng, least=3), float(rng.uniform(0, 0.4)) * float(rng.random() < 0.5)
    color, left = _tone(canvas, rng), 0.0
    top, bottom = height * rng.uniform(0, 0.3), height * rng.uniform(0.7, 1)
    while left < width:
        wide = pitch * float(rng.uniform(0.15, 0.8))
        first = (int(left), int(top + rng.uniform(0, ragged) * height))
        cv2.rectangle(canvas, first, (int(left + wide), int(bottom - rng.uniform(0, ragged) * height)), color, -1)
        left += wide + pitch * float(rng.uniform(0.2, 1.0))
        if rng.random() < 0.1:
            color = _tone(canvas, rng)


def stripes(canvas: Array, rng: np.random.Generator) -> None:
    """Draw parallel bands in any direction: blinds, steps, crossings, cloth."""
    cv2, (height, width) = opencv(), canvas.shape[:2]
    pitch, color = _pitch(canvas, rng), _tone(canvas, rng)
    turn = float(rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)]))
    along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    reach, thickness = float(np.hypot(height, width)), max(1, round(pitch * float(rng.uniform(0.15, 0.7))))
    for offset in np.arange(-reach / 2, reach / 2, pitch):
        middle = np.array([width, height]) / 2 + offset * across
        ends = [np.round(middle + sign * reach * along).astype(int).tolist() for sign in (-1, 1)]
        cv2.line(canvas, *ends, color, thickness, cv2.LINE_AA)


def lattice(canvas: Array, rng: np.random.Generator) -> None:
    """Draw two crossing sets of thin lines: wire mesh, grilles, nets and squared paper."""
    for _ in range(2):
        cv2, (height, width) = opencv(), canvas.shape[:2]
        pitch, color = _pitch(canvas, rng, least=5), _tone(canvas, rng)
        slope = float(rng.choice([0.0, 1.0, rng.normal(0, 0.5)]))
        thickness = max(1, round(pitch * 0.08))
        for offset in np.arange(-height - width, height + width, pitch):
            upright = ((int(offset), 0), (int(offset + slope * height), height))
            cv2.line(canvas, *upright, color, thickness, cv2.LINE_AA)
            level = ((0, int(offset)), (width, int(offset - slope * width)))
            cv2.line(canvas, *level, color, thickness, cv2.LINE_AA)


def foliage(canvas: Array, rng: np.random.Generator) -> None:
    """Draw many small leaves, or pebbles, in tones about one colour."""
    cv2, (height, width) = opencv(), canvas.shape[:2]
    size = _pitch(canvas, rng, least=3) * 0.5
    base, slim, spread = np.array(_tone(canvas, rng)), float(rng.uniform(0.2, 1.0)), float(rng.uniform(10, 45))
    for _ in range(int(min(1200, 0.8 * height * width / max(size * size, 4)))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        long = size * float(rng.uniform(0.5, 1.5))
        color = np.clip(base + rng.normal(0, spread) + rng.normal(0, spread / 4, size=3), 0, 255).tolist()
        axes = (max(1, round(long)), max(1, round(long * slim)))
        cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, color, -1, cv2.LINE_AA)


def branches(canvas: Array, rng: np.random.Generator) -> None:
    """Draw forking lines that grow thinner, as twigs, cracks and veins do."""
    height, width = canvas.shape[:2]
    color, reach = _tone(canvas, rng), float(rng.uniform(0.15, 0.5)) * max(height, width)
    for _ in range(int(rng.integers(1, 6))):
        start = rng.uniform(0, 1, size=2) * (width, height)
        _branch(canvas, start, float(rng.uniform(0, 2 * np.pi)), reach, color, rng)


def _branch(
    canvas: Array, start: NDArray[np.float64], turn: float, reach: float, color: list[float], rng: np.random.Generator
) -> None:
    if reach < 4:
        return
    end = start + reach * np.array([np.cos(turn), np.sin(turn)])
    ends = [np.round(point).astype(int).tolist() for point in (start, end)]
    opencv().line(canvas, *ends, color, max(1, round(reach * 0.06)), opencv().LINE_AA)
    for _ in range(int(rng.integers(1, 4))):
        _branch(canvas, end, turn + float(rng.normal(0, 0.6)), reach * float(rng.uniform(0.45, 0.75)), color, rng)


def rings(canvas: Array, rng: np.random.Generator) -> None:
    """Draw circles, discs and arcs: wheels, lamps, buttons, logos and bends of pipes."""
    cv2, (height, width) = opencv(), canvas.shape[:2]
    for _ in range(int(rng.integers(1, 12))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        radius = max(2, round(_pitch(canvas, rng) * 0.7))
        thickness = -1 if rng.random() < 0.25 else max(1, round(radius * float(rng.uniform(0.08, 0.4))))
        axes = (radius, max(1, round(radius * float(rng.uniform(0.6, 1.0)))))
        sweep = 360.0 if rng.random() < 0.6 else float(rng.uniform(60, 300))
        turn = float(rng.uniform(0, 360))
        cv2.ellipse(canvas, centre, axes, turn, 0, sweep, _tone(canvas, rng), thickness, cv2.LINE_AA)


def edges(canvas: Array, rng: np.random.Generator) -> None:
    """Draw large flat facets with sharp borders, some of them outlined: walls, boxes, frames and screens."""
    cv2, (height, width) = opencv(), canvas.shape[:2]
    for _ in range(int(rng.integers(1, 7))):
        centre = rng.uniform(0, 1, size=2) * (width, height)
        points = centre + rng.normal(0, 0.35, size=(int(rng.integers(3, 6)), 2)) * (width, height)
        outline = np.round(points).astype(np.int32)
        if rng.random() < 0.7:
            cv2.fillPoly(canvas, [outline], _tone(canvas, rng), cv2.LINE_AA)
        else:
            cv2.polylines(canvas, [outline], True, _tone(canvas, rng), int(rng.integers(1, 5)), cv2.LINE_AA)


def cables(canvas: Array, rng: np.random.Generator) -> None:
    """Draw a few smooth, swinging lines of constant width: cables, hoses, handrails, scratches."""
    cv2, (height, width) = opencv(), canvas.shape[:2]
    steps = np.linspace(0, 1, 60)
    for _ in range(int(rng.integers(1, 7))):
        knots = rng.uniform(-0.1, 1.1, size=(4, 2)) * (width, height)
        basis = np.stack([(1 - steps) ** 3, 3 * steps * (1 - steps) ** 2, 3 * steps**2 * (1 - steps), steps**3], axis=1)
        thickness = max(1, round(min(height, width) * float(rng.uniform(0.005, 0.08))))
        curve = np.round(basis @ knots).astype(np.int32)
        cv2.polylines(canvas, [curve], False, _tone(canvas, rng), thickness, cv2.LINE_AA)


def grain(canvas: Array, rng: np.random.Generator) -> None:
    """Roughen the canvas: plaster, gravel, cloth, the noise of a dark photograph."""
    height, width = canvas.shape[:2]
    coarse = float(np.exp(rng.uniform(0, 1.8)))
    grid = rng.normal(0, rng.uniform(8, 50), size=(max(2, int(height / coarse)), max(2, int(width / coarse)), 1))
    grid = grid + rng.normal(0, rng.uniform(0, 20), size=(*grid.shape[:2], 3))
    rough = opencv().resize(grid.astype(np.float32), (width, height), interpolation=opencv().INTER_CUBIC)
    canvas[:] = np.clip(canvas + rough, 0, 255)


DISTRACTORS: tuple[Distractor, ...] = (
    bricks,
    windows,
    fence,
    rods,
    stripes,
    lattice,
    foliage,
    branches,
    rings,
    edges,
    cables,
    grain,
)

"""Pictures of how a word was read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv, resize
from segrec.core.resampling import resample, to_grey
from segrec.rendering.fonts import load_font, written
from segrec.reports.explanation import Explanation, ReadingStep
from segrec.reports.overlay import overlay, side_by_side

MARGIN, GAP = 16, 8
"""Empty pixels around the picture and the crop, and between parts."""
CROP_SIZE = (96, 480)
"""The most that a crop takes, height and width."""
STRIP_SIZE = (48, 224)
STRIPS = 10
"""Most strips below each other; more stand beside them."""
LABEL = 64
"""Pixels for the character and its confidence beside a strip."""
CELL, BAR = 22, 40
"""Width of a frame of CTC and height of a sure one's bar."""
BLANK = "\u00b7"
INK, PALE = (20, 20, 20), (150, 150, 150)
UPPER, LOWER, HEAT, SURE = (0, 170, 255), (255, 120, 0), (255, 30, 0), (40, 130, 200)


def draw_reading(explanation: Explanation) -> Array:
    """Return a picture (H, W, 3) uint8 RGB of how a crop was read.

    Above stand the text and its confidence, the crop with the control points of its rectification, and its mask. Below
    them stands for an attention network the rectified image, with one strip a character: where the network looked when
    it wrote it, red, and how sure it was. For CTC each frame has its likeliest character and a bar as high as its
    probability; a dot is the blank.
    """
    reading = explanation.reading
    title = _text(f"{reading.text or '(no text)'}   {reading.confidence:.3f}", 24)
    parts = [title, _source(explanation)]
    if explanation.rectified is None:
        parts.append(_frames(explanation))
    else:
        parts += [_fitted(explanation.rectified, CROP_SIZE), _strips(explanation.rectified, explanation.steps)]
    return np.pad(_below(parts), ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), constant_values=255)


def _source(explanation: Explanation) -> Array:
    """Return the crop with its control points, which may lie outside, and its mask beside it."""
    crop = _fitted(explanation.image, CROP_SIZE)
    height, width = crop.shape[:2]
    framed = np.pad(crop, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), constant_values=255)
    if explanation.control_points is not None:
        places = explanation.control_points * (width, height) + MARGIN
        half = len(places) // 2
        for points, color in ((places[:half], UPPER), (places[half:], LOWER)):
            _draw_points(framed, points, color)
    if explanation.mask is None:
        return framed
    mask = np.pad(resize(explanation.mask, (height, width)), MARGIN, constant_values=255)
    return side_by_side([framed, mask], height=len(framed))


def _draw_points(canvas: Array, points: NDArray[Any], color: tuple[int, int, int]) -> None:
    """Join points (P, 2) by a line, and mark each."""
    cv2 = opencv()
    places = np.round(np.clip(points, -1e4, 1e4)).astype(np.int32)
    cv2.polylines(canvas, [places], isClosed=False, color=color, thickness=1, lineType=cv2.LINE_AA)
    for x, y in places.tolist():
        cv2.circle(canvas, (x, y), 3, color, thickness=-1, lineType=cv2.LINE_AA)


def _strips(rectified: Array, steps: Sequence[ReadingStep]) -> Array:
    """Return one strip per character, below each other and then in further columns."""
    grey = np.repeat(to_grey(resize(rectified, STRIP_SIZE))[:, :, None], 3, axis=2)
    rows = [_strip(grey, step) for step in steps]
    if not rows:
        return _text("no character was written", 14, PALE)
    columns = [_below(rows[start : start + STRIPS]) for start in range(0, len(rows), STRIPS)]
    return _beside(columns)


def _strip(grey: Array, step: ReadingStep) -> Array:
    """Return a character, its confidence, and the rectified image (h, w, 3), red where the network looked."""
    assert step.attention is not None, "an attention network's step has attention"
    height, width = grey.shape[:2]
    strongest = float(step.attention.max())
    looked = step.attention / strongest if strongest > 0 else step.attention
    heat = np.repeat(np.clip(resize(looked[None], (1, width)), 0, 1), height, axis=0)
    label = np.full((height, LABEL, 3), 255, np.uint8)
    write(label, step.character, 22, left=0, baseline=height - 18)
    write(label, f"{step.confidence:.3f}", 13, left=0, baseline=height - 3)
    return np.concatenate((label, overlay(grey, heat, color=HEAT, opacity=0.7)), axis=1)


def _frames(explanation: Explanation) -> Array:
    """Return the crop as wide as its frames, and below each its likeliest character and a bar."""
    steps = explanation.steps
    width = CELL * len(steps)
    crop = resample(explanation.image, (2 * BAR, width), "bilinear")
    table = np.full((BAR + 2 * CELL, width, 3), 255, np.uint8)
    for number, step in enumerate(steps):
        left, color = number * CELL, INK if step.character else PALE
        middle = left + CELL // 2
        write(table, step.character or BLANK, 18, left=middle, baseline=CELL - 4, color=color, centred=True)
        top = CELL + BAR - round(BAR * step.confidence)
        table[top : CELL + BAR, left + 3 : left + CELL - 3] = SURE if step.character else PALE
        percent = f"{100 * step.confidence:.0f}"
        write(table, percent, 10, left=middle, baseline=2 * CELL + BAR - 8, color=color, centred=True)
    return np.concatenate((crop, table))


def _fitted(image: Array, size: tuple[int, int]) -> Array:
    """Return the image in its own ratio, as large as it can be within `size` (height, width)."""
    scale = min(size[0] / image.shape[0], size[1] / image.shape[1])
    return resample(image, (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))), "bilinear")


def _below(parts: Sequence[Array]) -> Array:
    """Return parts below each other on white, with gaps between them."""
    width = max(part.shape[1] for part in parts)
    rows = [np.pad(part, ((0, GAP), (0, width - part.shape[1]), (0, 0)), constant_values=255) for part in parts]
    return np.concatenate(rows)[:-GAP]


def _beside(parts: Sequence[Array]) -> Array:
    """Return parts beside each other on white, with gaps between them."""
    turned = [np.ascontiguousarray(part.transpose(1, 0, 2)) for part in parts]
    gap = np.full((GAP, 1, 3), 255, np.uint8)
    spread = [piece for part in turned for piece in (part, gap)][:-1]
    return np.ascontiguousarray(_below(spread).transpose(1, 0, 2))


def _text(text: str, size: int, color: tuple[int, int, int] = INK) -> Array:
    """Return one line of text on white, as wide as it is."""
    canvas = np.full((math.ceil(size * 1.3), math.ceil(load_font("", size).getlength(text)) + 2, 3), 255, np.uint8)
    write(canvas, text, size, left=0, baseline=size, color=color)
    return canvas


def write(
    canvas: Array,
    text: str,
    size: int,
    *,
    left: int,
    baseline: int,
    color: tuple[int, int, int] = INK,
    centred: bool = False,
) -> None:
    """Write a line of text into a picture; what does not fit is cut off.

    Args:
        canvas: (H, W, 3) uint8, changed.
        text: written in Pillow's built-in font.
        size: pixels per em.
        left: where the line begins, or with `centred` its middle.
        baseline: row on which the letters stand.
        color: of the ink.
        centred: see `left`.
    """
    ink, (x, y) = written(text, load_font("", size), anchor="ms" if centred else "ls")
    left, top = left + x, baseline + y
    inside = np.asarray(ink)[max(0, -top) : canvas.shape[0] - top, max(0, -left) : canvas.shape[1] - left]
    if inside.size:
        window = canvas[max(0, top) : top + ink.height, max(0, left) : left + ink.width]
        window[:] = overlay(window, inside, color=color, opacity=1)

"""The binarisations of a word crop: what might be its ink."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, opencv, resize

Ink = NDArray[np.bool_]
"""(H, W), True where a binarisation sees ink."""

HEIGHT = 64
"""Rows at which words are binarised."""
WIDTHS = (16, 1024)
INK_SHARES = (0.04, 0.65)
"""Smallest and largest share of a crop that a word's ink covers."""
LEAST_RANGE = 12
"""Levels that a channel must span to tell ink from ground."""
ADAPTIVE = ((31, 4), (51, 6))
"""(Side of the window in pixels, levels over its mean) of the adaptive thresholds."""
COLORS = (2, 3)
"""Numbers of colours into which k-means parts a crop."""
SAME = 0.92
"""Intersection over union from which two binarisations are one."""


class Candidate(NamedTuple):
    """One binarisation, and how many of the others are nearly the same."""

    ink: Ink
    votes: int


def working_picture(image: Array) -> Array:
    """Return an (H, W, 3) uint8 RGB crop at `HEIGHT` rows, its aspect ratio kept, calmed without blurring edges."""
    width = int(np.clip(round(image.shape[1] * HEIGHT / image.shape[0]), *WIDTHS))
    method: Any = "area" if image.shape[0] > HEIGHT else "bicubic"
    return np.asarray(opencv().bilateralFilter(resize(image, (HEIGHT, width), method), 5, 30, 5), dtype=np.uint8)


def candidates(picture: Array) -> list[Candidate]:
    """Return the distinct binarisations of a working picture, (H, W, 3) uint8 RGB, in a fixed order.

    Otsu's threshold on the channels of Lab and RGB, adaptive thresholds on the lightness and the colours of k-means in
    Lab, all with both polarities. Those with too little or too much ink are left out; a flat crop has none.
    """
    lab = np.asarray(opencv().cvtColor(picture, opencv().COLOR_RGB2LAB))
    inks = [*_of_channels(picture, lab), *_of_windows(lab[:, :, 0]), *_of_colors(lab)]
    return _distinct([ink for ink in inks if INK_SHARES[0] <= float(ink.mean()) <= INK_SHARES[1]])


def _of_channels(picture: Array, lab: Array) -> list[Ink]:
    cv2, found = opencv(), []
    for channel in (*np.moveaxis(lab, 2, 0), *np.moveaxis(picture, 2, 0)):
        if int(channel.max()) - int(channel.min()) >= LEAST_RANGE:
            stretched = cv2.normalize(np.ascontiguousarray(channel), None, 0, 255, cv2.NORM_MINMAX)
            light = cv2.threshold(stretched, 0, 255, cv2.THRESH_OTSU)[1] > 0
            found += [light, ~light]
    return found


def _of_windows(lightness: Array) -> list[Ink]:
    cv2, grey, found = opencv(), np.ascontiguousarray(lightness), []
    if int(grey.max()) - int(grey.min()) < LEAST_RANGE:
        return []
    for side, levels in ADAPTIVE:
        for kind, offset in ((cv2.THRESH_BINARY, -levels), (cv2.THRESH_BINARY_INV, levels)):
            found.append(cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, kind, side, offset) > 0)
    return found


def _of_colors(lab: Array) -> list[Ink]:
    cv2, found = opencv(), []
    pixels = lab.reshape(-1, 3).astype(np.float32)
    if float(np.ptp(pixels, axis=0).max()) < LEAST_RANGE:
        return []
    for count in COLORS:
        cv2.setRNGSeed(0)  # the same crop always gives the same colours
        _, labels, _ = cv2.kmeans(pixels, count, None, (3, 12, 1.0), 2, cv2.KMEANS_PP_CENTERS)
        for number in range(count):
            chosen = np.asarray(labels.reshape(lab.shape[:2]) == number)
            found += [chosen, ~chosen]
    return found


def _distinct(inks: list[Ink]) -> list[Candidate]:
    """Return binarisations of which no two are nearly the same, each with how many it stands for; the first stays."""
    kept: list[Ink] = []
    votes_of: list[int] = []
    for ink in inks:
        overlaps = overlap(ink, kept)
        nearest = int(overlaps.argmax()) if kept else 0
        if kept and overlaps[nearest] >= SAME:
            votes_of[nearest] += 1
        else:
            kept.append(ink)
            votes_of.append(1)
    return [Candidate(ink, votes) for ink, votes in zip(kept, votes_of, strict=True)]


def overlap(ink: Ink, others: list[Ink]) -> NDArray[np.float32]:
    """Return the intersection over union of `ink` with each of `others`, (N,) in [0, 1]."""
    if not others:
        return np.zeros(0, np.float32)
    flat, rest = ink.reshape(-1).astype(np.float32), np.stack(others).reshape(len(others), -1).astype(np.float32)
    shared = rest @ flat
    return np.asarray(shared / np.maximum(rest.sum(axis=1) + flat.sum() - shared, 1), dtype=np.float32)

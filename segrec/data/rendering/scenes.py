"""Rendered scenes: several words on one background, with strokes, polygons and transcriptions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import Array, encode_jpeg
from segrec.core.polygons import polygon_mask
from segrec.data.rendering.degrade import photograph
from segrec.data.rendering.layers import Points, TextLayer
from segrec.data.rendering.paint import paint
from segrec.data.rendering.words import Material, RenderSources

SIDES = (256, 640)
WORD_SIZES = (16, 20, 26, 34, 46, 64, 90)
TRIES = 25
EMPTY_SHARE = 1 / 16

Taken = NDArray[np.bool_]


class RenderedScene(NamedTuple):
    """One rendered scene.

    Attributes:
        jpeg: the stored picture, JPEG bytes of (H, W, 3) RGB.
        strokes: (H, W) uint8, 255 where ink is.
        polygons: one (P, 2) float32 (x, y) outline a word.
        texts: what the words say, in the order of `polygons`.
    """

    jpeg: bytes
    strokes: Array
    polygons: list[Points]
    texts: list[str]

    @property
    def region(self) -> Array:
        """(H, W) uint8, 255 inside any polygon."""
        size = (self.strokes.shape[0], self.strokes.shape[1])
        masks = [polygon_mask(polygon, size) for polygon in self.polygons]
        return np.maximum.reduce([np.zeros(size, dtype=np.uint8), *masks])


class SceneRenderer:
    """Renders scene number `index` of an endless, reproducible series; one in sixteen has no text.

    Args:
        seed: the series.
        sources: fonts, lexicon and backgrounds.
    """

    def __init__(self, seed: int, sources: RenderSources | None = None) -> None:
        self._seed = seed
        self._material = Material(seed, sources or RenderSources())

    def render(self, index: int) -> RenderedScene:
        """Return scene `index`, a pure function of (seed, index, sources)."""
        rng = np.random.default_rng((self._seed, index, 1))
        size = (int(rng.integers(SIDES[0], SIDES[1] + 1)), int(rng.integers(SIDES[0], SIDES[1] + 1)))
        canvas = self._material.backgrounds.cut(rng, size)
        strokes = np.zeros(size, dtype=np.uint8)
        taken = np.zeros(size, dtype=bool)
        polygons: list[Points] = []
        texts: list[str] = []
        wanted = 0 if rng.random() < EMPTY_SHARE else int(rng.integers(1, 14))
        for _ in range(TRIES):
            if len(texts) >= wanted:
                break
            text, layer = self._material.draw_layer(rng, int(rng.choice(WORD_SIZES)))
            corner = _free_place(layer, taken, rng)
            if corner is None:
                continue
            _place(canvas, strokes, taken, layer, corner, rng)
            polygons.append(layer.polygon + np.array(corner[::-1], dtype=np.float32))
            texts.append(text)
        image, (strokes,) = photograph(canvas, (strokes,), size, rng, harshness=0.25)
        return RenderedScene(encode_jpeg(image, int(rng.integers(50, 97))), strokes, polygons, texts)


def _free_place(layer: TextLayer, taken: Taken, rng: np.random.Generator) -> tuple[int, int] | None:
    """Return a random (top, left) at which the layer fits and touches no other word, or None."""
    height, width = layer.coverage.shape
    room_y, room_x = taken.shape[0] - height, taken.shape[1] - width
    if room_y < 0 or room_x < 0:
        return None
    for _ in range(8):
        top, left = int(rng.integers(room_y + 1)), int(rng.integers(room_x + 1))
        if not taken[top : top + height, left : left + width].any():
            return top, left
    return None


def _place(
    canvas: Array,
    strokes: Array,
    taken: Taken,
    layer: TextLayer,
    corner: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    """Paint the layer into the scene in place."""
    height, width = layer.coverage.shape
    spot = (slice(corner[0], corner[0] + height), slice(corner[1], corner[1] + width))
    canvas[spot], strokes[spot] = paint(np.ascontiguousarray(canvas[spot]), layer.coverage, rng)
    taken[spot] = True

"""Rendered scenes: several words on one background, with strokes, polygons and transcriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.errors import ConfigError
from segrec.core.images import Array, encode_jpeg
from segrec.core.polygons import polygon_mask
from segrec.data import camera
from segrec.rendering import hard
from segrec.rendering.degrade import photograph
from segrec.rendering.distractors import cover, scatter
from segrec.rendering.layers import Points, TextLayer
from segrec.rendering.paint import paint
from segrec.rendering.record import RenderRecord
from segrec.rendering.styles import USUAL, Style, check_style
from segrec.rendering.words import Material, RenderSources

SIDES = (256, 640)
CLEAR_SHARE = 0.75
"""Share of a hard scene's words that its photograph should leave readable."""

Taken = NDArray[np.bool_]


class RenderedScene(NamedTuple):
    """One rendered scene.

    Attributes:
        jpeg: the stored picture, JPEG bytes of (H, W, 3) RGB.
        strokes: (H, W) uint8, 255 where ink is.
        polygons: one (P, 2) float32 (x, y) outline per word.
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
        region: Array = np.maximum.reduce([np.zeros(size, dtype=np.uint8), *masks])
        return region


@dataclass(frozen=True)
class _Filling:
    """What stands in the scenes of a style.

    Attributes:
        ems: pixels per em of the words to draw from.
        most: the most words wanted.
        tries: words drawn at most; those that find no place are dropped.
        empty: share of scenes without text.
    """

    ems: tuple[int, ...]
    most: int
    tries: int
    empty: float


FILLINGS: dict[Style, _Filling] = {
    "mixed": _Filling(ems=(16, 20, 26, 34, 46, 64, 90), most=13, tries=25, empty=1 / 16),
    "hard": _Filling(ems=(9, 11, 13, 15, 18, 22, 28, 40, 64), most=30, tries=60, empty=1 / 10),
}


class SceneRenderer:
    """Renders scene number `index` of an endless, reproducible series; a few have no text.

    Args:
        seed: the series.
        sources: fonts, lexicon and backgrounds.
        style: `hard` scenes have more words, smaller, fainter and more blurred ones, among things that are not text.

    Raises:
        ConfigError: there is no such style.
    """

    def __init__(self, seed: int, sources: RenderSources | None = None, *, style: Style = USUAL) -> None:
        self._seed = seed
        if check_style(style) == "signs":
            raise ConfigError("scenes have no style 'signs'; choose mixed or hard, or render words")
        self._style = style
        self._material = Material(seed, sources or RenderSources())

    @property
    def record(self) -> RenderRecord:
        """What is rendered with."""
        return self._material.record(self._seed, self._style)

    def render(self, index: int) -> RenderedScene:
        """Return scene `index`, a pure function of (seed, index, sources, style)."""
        rng = np.random.default_rng((self._seed, index, 1))
        size = (int(rng.integers(SIDES[0], SIDES[1] + 1)), int(rng.integers(SIDES[0], SIDES[1] + 1)))
        canvas = self._material.backgrounds.cut(rng, size)
        if self._style == "hard":
            canvas = _crowded(canvas, rng)
        strokes = np.zeros(size, dtype=np.uint8)
        polygons, texts, ems = self._write(canvas, strokes, rng)
        if self._style == "hard":
            em = float(np.quantile(ems, 0.3)) if ems else float(FILLINGS["hard"].ems[0])
            image = _photographed(canvas, strokes, polygons, rng, em=em)
            return RenderedScene(encode_jpeg(image, int(rng.integers(*camera.QUALITIES))), strokes, polygons, texts)
        image, (strokes,) = photograph(canvas, (strokes,), size, rng, harshness=0.25)
        return RenderedScene(encode_jpeg(image, int(rng.integers(50, 97))), strokes, polygons, texts)

    def _write(
        self, canvas: Array, strokes: Array, rng: np.random.Generator
    ) -> tuple[list[Points], list[str], list[int]]:
        """Write words onto the canvas and into the strokes, and return their polygons, texts and pixels per em."""
        filling = FILLINGS[self._style]
        taken = np.zeros(strokes.shape, dtype=bool)
        polygons: list[Points] = []
        texts: list[str] = []
        ems: list[int] = []
        wanted = 0 if rng.random() < filling.empty else int(rng.integers(1, filling.most + 1))
        for _ in range(filling.tries):
            if len(texts) >= wanted:
                break
            em = int(rng.choice(filling.ems))
            text, layer = self._material.draw_layer(rng, em)
            corner = _free_place(layer, taken, rng)
            if corner is None or not _placed(canvas, strokes, taken, layer, corner, rng, style=self._style):
                continue
            polygons.append(layer.polygon + np.array(corner[::-1], dtype=np.float32))
            texts.append(text)
            ems.append(em)
        return polygons, texts, ems


def _crowded(canvas: Array, rng: np.random.Generator) -> Array:
    """Return the canvas with things on it that are not text, all over it or in places."""
    if rng.random() < 0.35:
        canvas = cover(canvas, rng)
    return scatter(canvas, rng) if rng.random() < 0.8 else canvas


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


def _placed(
    canvas: Array,
    strokes: Array,
    taken: Taken,
    layer: TextLayer,
    corner: tuple[int, int],
    rng: np.random.Generator,
    *,
    style: Style,
) -> bool:
    """Paint the layer into the scene in place; in the hard style words that nobody could read there are left out."""
    height, width = layer.coverage.shape
    spot = (slice(corner[0], corner[0] + height), slice(corner[1], corner[1] + width))
    behind = np.ascontiguousarray(canvas[spot])
    if style == "hard":
        painted, ink = hard.paint_badly(behind, layer.coverage, rng)
        if camera.clearness(painted, ink) < 1:
            return False
    else:
        painted, ink = paint(behind, layer.coverage, rng)
    canvas[spot], strokes[spot] = painted, ink
    taken[spot] = True
    return True


def _photographed(
    canvas: Array, strokes: Array, polygons: list[Points], rng: np.random.Generator, *, em: float
) -> Array:
    """Return the scene as a bad camera gives it: the first photograph of which most words can be read, or the best."""
    boxes = [(polygon.min(axis=0).astype(int), np.ceil(polygon.max(axis=0)).astype(int)) for polygon in polygons]
    spots = [(slice(low[1], high[1]), slice(low[0], high[0])) for low, high in boxes]
    best, most = canvas, -1
    for _ in range(camera.TRIES):
        image, _ = camera.photograph_badly(canvas, strokes, strokes.shape, rng, em=em)
        clear = sum(camera.clearness(image[spot], strokes[spot]) > 0.75 for spot in spots)
        if clear > most:
            best, most = image, clear
        if most >= CLEAR_SHARE * len(spots):
            break
    return best

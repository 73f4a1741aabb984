"""Single rendered words: what a detector would cut out of a photograph, with the exact strokes and polygon."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from segrec.core.images import Array, decode_jpeg, encode_jpeg
from segrec.core.polygons import polygon_mask
from segrec.data import camera
from segrec.rendering import hard
from segrec.rendering.backgrounds import Backgrounds
from segrec.rendering.degrade import photograph
from segrec.rendering.fonts import FontBook
from segrec.rendering.layers import Points, TextLayer, bend, draw_text, shear_and_view, trim, with_sides
from segrec.rendering.paint import paint, plate
from segrec.rendering.record import RenderRecord, files_digest, words_digest
from segrec.rendering.signs import SignMaker
from segrec.rendering.styles import USUAL, Style, check_style
from segrec.rendering.texts import TextSource

SIZES = (22, 28, 36, 44, 52)
HEIGHTS = (8, 96)


class RenderedWord(NamedTuple):
    """One rendered word crop.

    Attributes:
        jpeg: the crop as stored, JPEG bytes of an (H, W, 3) RGB picture.
        text: what it says.
        strokes: (H, W) uint8, 255 where ink is, soft at the edges.
        region: (H, W) uint8, 255 inside the word's polygon.
        polygon: (P, 2) float32 (x, y) in pixels of the crop.
    """

    jpeg: bytes
    text: str
    strokes: Array
    region: Array
    polygon: Points


@dataclass(frozen=True)
class RenderSources:
    """Where a renderer takes its material from; all None means what the machine offers.

    Attributes:
        fonts: folders or files of fonts.
        lexicon: a file with one word per line.
        backgrounds: a folder of text-free photographs.
    """

    fonts: Sequence[str | os.PathLike[str]] | None = None
    lexicon: str | os.PathLike[str] | None = None
    backgrounds: str | os.PathLike[str] | None = None


class Material:
    """The opened sources, shared by the word and the scene renderer."""

    def __init__(self, seed: int, sources: RenderSources) -> None:
        self.fonts = FontBook(sources.fonts)
        self.texts = TextSource(sources.lexicon)
        self.backgrounds = Backgrounds(seed, sources.backgrounds)

    def record(self, seed: int, style: str) -> RenderRecord:
        """Return what is rendered with."""
        fonts, words, photos = self.fonts, self.texts.words, self.backgrounds.photos
        return RenderRecord(
            style=style,
            seed=seed,
            fonts=len(fonts),
            fonts_digest=files_digest(fonts.paths),
            words=len(words),
            words_digest=words_digest(words),
            backgrounds=len(photos),
            backgrounds_digest=files_digest(photos),
        )

    def draw_layer(
        self, rng: np.random.Generator, size: int, *, bent: float = 0.13, turned: float = 0.6
    ) -> tuple[str, TextLayer]:
        """Return a random text and its layer, bent or in perspective as real signs are, see `deform`."""
        while True:
            text = self.texts.draw(rng)
            spacing = 0.0 if rng.random() < 0.75 else float(rng.uniform(-0.03, 0.25)) * size
            layer = draw_text(text, self.fonts.pick(rng, size), spacing=spacing)
            if layer is not None:
                return text, trim(deform(layer, rng, bent=bent, turned=turned))


def deform(layer: TextLayer, rng: np.random.Generator, *, bent: float = 0.13, turned: float = 0.6) -> TextLayer:
    """Return the layer bent, then rotated, sheared and seen in perspective by random amounts.

    Args:
        bent: share of long words that are bent.
        turned: share of words that are rotated, sheared and seen in perspective.
    """
    height, width = layer.coverage.shape
    if width > 1.8 * height and rng.random() < bent:
        layer = bend(layer, float(rng.choice([-1, 1]) * rng.uniform(0.3, min(2.4, 0.35 * width / height))))
    if rng.random() < turned:
        rotation = float(rng.normal(0, 3.5)) if rng.random() < 0.85 else float(rng.uniform(-20, 20))
        layer = shear_and_view(layer, rng, strength=float(rng.gamma(1.2, 0.06)), rotation=rotation)
    return layer


class WordRenderer:
    """Renders word number `index` of an endless, reproducible series.

    Args:
        seed: the series.
        sources: fonts, lexicon and backgrounds; a word is reproducible for the same seed, index, sources and style.
        style: `mixed` is what photographs show on the whole; `hard` words are 8 to 32 pixels high and blurred, faint,
            glaring, shadowed, bent or badly compressed, several at once; `signs` are outlined, of neon, dots, relief or
            metal, bent, stacked, cut by the box or among other words.

    Raises:
        ConfigError: there is no such style.
    """

    def __init__(self, seed: int, sources: RenderSources | None = None, *, style: Style = USUAL) -> None:
        self._seed = seed
        self._style = check_style(style)
        self._material = Material(seed, sources or RenderSources())

    @property
    def record(self) -> RenderRecord:
        """What is rendered with."""
        return self._material.record(self._seed, self._style)

    def render(self, index: int) -> RenderedWord:
        """Return word `index`, a pure function of (seed, index, sources, style)."""
        rng = np.random.default_rng((self._seed, index))
        if self._style == "signs":
            return self._sign(rng)
        return self._hard(rng) if self._style == "hard" else self._mixed(rng)

    def _mixed(self, rng: np.random.Generator) -> RenderedWord:
        text, layer = self._material.draw_layer(rng, int(rng.choice(SIZES)))
        layer = _with_margins(layer, rng)
        canvas = self._material.backgrounds.cut(rng, layer.coverage.shape)
        if rng.random() < 0.3:
            canvas = plate(canvas, rng)
        if rng.random() < 0.1:
            canvas = self._with_neighbour(canvas, rng)
        image, strokes = paint(canvas, layer.coverage, rng)
        size = _final_size(layer.coverage.shape, rng)
        image, (strokes,) = photograph(image, (strokes,), size, rng)
        return _finished(text, image, strokes, layer, int(rng.integers(35, 97)))

    def _hard(self, rng: np.random.Generator) -> RenderedWord:
        em = int(rng.choice(hard.SIZES))
        text, layer = self._material.draw_layer(rng, em, bent=hard.BENT_SHARE, turned=hard.TURNED_SHARE)
        layer = _with_margins(layer, rng)
        canvas = hard.ground(self._material.backgrounds.cut(rng, layer.coverage.shape), rng)
        if rng.random() < 0.3:
            canvas = plate(canvas, rng)
        if rng.random() < 0.25:
            canvas = self._with_neighbour(canvas, rng)
        size = camera.final_size(layer.coverage.shape, em, rng)
        clearest, best = _badly(text, layer, canvas, size, rng, em=em)
        for _ in range(camera.TRIES - 1):
            if best >= 1:
                break
            word, clearness = _badly(text, layer, canvas, size, rng, em=em)
            if clearness > best:
                clearest, best = word, clearness
        return clearest

    def _sign(self, rng: np.random.Generator) -> RenderedWord:
        material = self._material
        sign = SignMaker(material.fonts, material.texts, material.backgrounds).make(rng)
        polygon = _scaled(sign.layer, sign.strokes.shape)
        region = polygon_mask(polygon, (sign.strokes.shape[0], sign.strokes.shape[1]))
        return RenderedWord(sign.jpeg, sign.text, sign.strokes, region, polygon)

    def _with_neighbour(self, canvas: Array, rng: np.random.Generator) -> Array:
        """Paint a part of another word at the upper or lower edge, as crops of crowded signs show."""
        height, width = canvas.shape[:2]
        _, layer = self._material.draw_layer(rng, int(rng.choice(SIZES)))
        reach = min(layer.coverage.shape[0], max(2, int(height * rng.uniform(0.05, 0.16))))
        wide = min(width, layer.coverage.shape[1])
        coverage = np.zeros((height, width), dtype=np.uint8)
        if rng.random() < 0.5:
            coverage[:reach, :wide] = layer.coverage[-reach:, :wide]
        else:
            coverage[-reach:, width - wide :] = layer.coverage[:reach, :wide]
        return paint(canvas, coverage, rng)[0]


def _badly(
    text: str, layer: TextLayer, canvas: Array, size: tuple[int, int], rng: np.random.Generator, *, em: int
) -> tuple[RenderedWord, float]:
    """Return the word painted, photographed and compressed badly, and its clearness."""
    image, strokes = hard.paint_badly(canvas, layer.coverage, rng)
    image, strokes = camera.photograph_badly(image, strokes, size, rng, em=em)
    word = _finished(text, image, strokes, layer, int(rng.integers(*camera.QUALITIES)))
    return word, camera.clearness(decode_jpeg(word.jpeg), strokes)


def _finished(text: str, image: Array, strokes: Array, layer: TextLayer, quality: int) -> RenderedWord:
    """Return the word as it is handed out, with the layer's polygon scaled to the image's size."""
    size = (image.shape[0], image.shape[1])
    polygon = _scaled(layer, size)
    return RenderedWord(encode_jpeg(image, quality), text, strokes, polygon_mask(polygon, size), polygon)


def _scaled(layer: TextLayer, size: tuple[int, ...]) -> Points:
    """Return the layer's polygon in a picture of (height, width)."""
    scale = np.array([size[1], size[0]], dtype=np.float32) / layer.coverage.shape[::-1]
    return layer.polygon * scale.astype(np.float32)


def _with_margins(layer: TextLayer, rng: np.random.Generator) -> TextLayer:
    """Grow or cut the layer's canvas by random margins, as loose and tight boxes do."""
    unit = min(layer.coverage.shape[0], 48)
    margins = np.round(rng.uniform(-0.02, 0.22, size=4) * unit * rng.uniform(0.1, 1.4)).astype(int).tolist()
    grown = with_sides(layer.coverage, margins)
    return TextLayer(grown, layer.polygon + np.array(margins[:2], dtype=np.float32))


def _final_size(size: tuple[int, ...], rng: np.random.Generator) -> tuple[int, int]:
    """Draw a crop height from 8 to 96 pixels, half of them below 32, and keep the aspect ratio."""
    height = float(np.clip(np.exp(rng.normal(np.log(32), 0.5)), *HEIGHTS))
    return max(4, round(height)), max(4, round(size[1] * height / size[0]))

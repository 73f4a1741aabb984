"""Pictures without any text, of all sizes, with plain colours, textures and what is easily mistaken for text."""

from __future__ import annotations

import numpy as np

from segrec.core.images import Array, encode_jpeg
from segrec.rendering.backgrounds import Backgrounds
from segrec.rendering.degrade import photograph
from segrec.rendering.distractors import cover, scatter
from segrec.rendering.record import RenderRecord, files_digest, words_digest
from segrec.rendering.scenes import RenderedScene
from segrec.rendering.words import RenderSources

SIDES = (24, 640)
CROP_SHARE = 0.35
"""Share of pictures that are as small and as wide as crops of words."""


class TextFreeRenderer:
    """Renders text-free picture number `index` of an endless, reproducible series.

    Args:
        seed: the series.
        sources: the backgrounds; fonts and lexicon are not used.
    """

    def __init__(self, seed: int, sources: RenderSources | None = None) -> None:
        self._seed = seed
        self._backgrounds = Backgrounds(seed, None if sources is None else sources.backgrounds)

    @property
    def record(self) -> RenderRecord:
        """What is rendered with: no fonts and no words."""
        photos, none = self._backgrounds.photos, words_digest(())
        return RenderRecord("text-free", self._seed, 0, none, 0, none, len(photos), files_digest(photos))

    def render(self, index: int) -> RenderedScene:
        """Return picture `index`, a pure function of (seed, index, backgrounds), with an empty mask and no polygon."""
        rng = np.random.default_rng((self._seed, index, 2))
        size = _size(rng)
        empty = np.zeros(size, dtype=np.uint8)
        kind = rng.random()
        if kind < 0.1:
            image = plain(rng, size)
        elif kind < 0.32:
            image = _gradient(rng, size)
        elif kind < 0.6:
            image = _clouds(rng, size)
        else:
            image = self._crowded(rng, size)
            image, _ = photograph(image, (), size, rng, harshness=float(rng.uniform(0.1, 0.6)))
        return RenderedScene(encode_jpeg(image, int(rng.integers(30, 97))), empty, [], [])

    def _crowded(self, rng: np.random.Generator, size: tuple[int, int]) -> Array:
        canvas = self._backgrounds.cut(rng, size)
        layers = rng.random()
        if layers < 0.55:
            canvas = cover(canvas, rng)
        if 0.4 < layers < 0.9:
            canvas = scatter(canvas, rng)
        return canvas


def plain(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Return one colour all over, often black, white or grey, sometimes with the faint noise of a sensor."""
    drawn = rng.random()
    grey = drawn < 0.6
    color = np.full(3, rng.choice([0, 255, int(rng.integers(1, 255))])) if grey else rng.integers(0, 256, size=3)
    noise = rng.normal(0, rng.uniform(0.5, 4), size=(*size, 3)) if rng.random() < 0.4 else np.zeros((*size, 3))
    return np.asarray(np.clip(color + noise, 0, 255), dtype=np.uint8)


def _size(rng: np.random.Generator) -> tuple[int, int]:
    """Draw (height, width), each from 24 to 640 pixels and at most six times the other; small ones are common."""
    if rng.random() < CROP_SHARE:
        height = float(np.exp(rng.uniform(np.log(SIDES[0]), np.log(96))))
        return round(height), round(min(SIDES[1], height * float(rng.uniform(1, 6))))
    first, second = np.exp(rng.uniform(np.log(SIDES[0]), np.log(SIDES[1]), size=2))
    return round(max(first, second / 6)), round(max(second, first / 6))


def _gradient(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Return a smooth blend of four corner colours, or the fall-off of a lamp or of a shade."""
    rows, columns = np.linspace(0, 1, size[0])[:, None, None], np.linspace(0, 1, size[1])[None, :, None]
    if rng.random() < 0.6:
        corners = rng.uniform(0, 255, size=(2, 2, 3)) if rng.random() < 0.5 else rng.uniform(0, 255, size=(2, 2, 1))
        top = corners[0, 0] * (1 - columns) + corners[0, 1] * columns
        bottom = corners[1, 0] * (1 - columns) + corners[1, 1] * columns
        blend = top * (1 - rows) + bottom * rows
    else:
        middle, inner, outer = rng.uniform(0, 1, size=2), rng.uniform(100, 255, size=3), rng.uniform(0, 150, size=3)
        if rng.random() < 0.5:
            inner, outer = outer, inner
        distance = np.hypot(rows - middle[0], columns - middle[1]) / rng.uniform(0.15, 1.0)
        share = np.exp(-(distance**2)) if rng.random() < 0.5 else np.clip(1 - distance, 0, 1)
        blend = inner * share + outer * (1 - share)
    return np.asarray(np.broadcast_to(np.clip(blend, 0, 255), (*size, 3)), dtype=np.uint8)


def _clouds(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Return noise, grey or coloured, whose amplitude falls with frequency about as it does in photographs."""
    power, grey = float(rng.uniform(0.7, 2.4)), rng.random() < 0.4
    frequency = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])[None])
    frequency[0, 0] = np.inf
    waves = rng.normal(size=(1 if grey else 3, *frequency.shape, 2)) @ np.array([1, 1j]) / frequency**power
    values = np.fft.irfft2(waves, s=size).transpose(1, 2, 0)
    contrast, middle = rng.uniform(15, 70), rng.uniform(60, 200, size=1 if grey else 3)
    clouds = middle + contrast * values / max(float(values.std()), 1e-9)
    return np.asarray(np.broadcast_to(np.clip(clouds, 0, 255), (*size, 3)), dtype=np.uint8)

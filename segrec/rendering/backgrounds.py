"""Backgrounds for rendered text: procedural textures, or patches of photographs that the user names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segrec.core.channels import in_color
from segrec.core.errors import DataError
from segrec.core.images import Array, opencv, read_image, resize

PATCH = (288, 640)
POOL = 40
MOST_UNPACKED = 64_000_000
"""Bytes of photographs that stay unpacked in each process."""
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


class Backgrounds:
    """A pool of grey textures that are cut, mirrored and coloured afresh for every picture.

    Args:
        seed: decides the procedural textures.
        photos: a folder of text-free photographs; they are used for half of the backgrounds.

    Raises:
        DataError: `photos` is not a folder or holds no picture.
    """

    def __init__(self, seed: int, photos: str | os.PathLike[str] | None = None) -> None:
        rng = np.random.default_rng((seed, 0xBACC))
        self._pool = [_texture(rng, index) for index in range(POOL)]
        self.photos = [] if photos is None else _photo_files(Path(photos))
        self._unpacked: dict[int, Array] = {}
        self._room = MOST_UNPACKED

    def cut(self, rng: np.random.Generator, size: tuple[int, int]) -> Array:
        """Return one background, (height, width, 3) uint8 RGB."""
        if self.photos and rng.random() < 0.5:
            return _photo_patch(rng, self._photo(int(rng.integers(len(self.photos)))), size)
        return self._textured(rng, size)

    def _photo(self, number: int) -> Array:
        """Return a photograph; the first ones that were drawn stay unpacked, as many as there is room for."""
        if number in self._unpacked:
            return self._unpacked[number]
        photo = read_image(self.photos[number])
        if photo.nbytes <= self._room:
            self._unpacked[number] = photo
            self._room -= photo.nbytes
        return photo

    def _textured(self, rng: np.random.Generator, size: tuple[int, int]) -> Array:
        height, width = size
        base = rng.uniform(8, 250) + rng.normal(0, 1, size=3) * float(rng.choice([4.0, 22.0, 70.0]))
        canvas = np.tile(base.astype(np.float32), width * height).reshape(height, width, 3)
        if rng.random() < 0.75:
            relief = self._relief(rng, size)
            tint = rng.normal(0, 1, size=3) if rng.random() < 0.5 else np.ones(3)
            canvas += in_color(relief, (rng.gamma(1.5, 18.0) * tint).astype(np.float32))
        if rng.random() < 0.35:
            canvas += in_color(_gradient(rng, size), rng.normal(0, 45, size=3).astype(np.float32))
        return np.clip(canvas, 0, 255).astype(np.uint8)

    def _relief(self, rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
        texture = self._pool[int(rng.integers(len(self._pool)))]
        zoom = float(np.exp(rng.uniform(-1.2, 0.5)))
        high = min(PATCH[0], max(8, int(size[0] / zoom)))
        wide = min(PATCH[1], max(8, int(size[1] / zoom)))
        top, left = int(rng.integers(PATCH[0] - high + 1)), int(rng.integers(PATCH[1] - wide + 1))
        patch = texture[top : top + high, left : left + wide]
        if rng.random() < 0.5:
            patch = patch[:, ::-1]
        if rng.random() < 0.5:
            patch = patch[::-1]
        return np.asarray(resize(np.ascontiguousarray(patch), size), dtype=np.float32)


def _photo_files(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.glob("**/*") if file.suffix.lower() in PHOTO_SUFFIXES)
    if not files:
        raise DataError(f"no photograph ({', '.join(PHOTO_SUFFIXES)}) in {folder}; check --backgrounds")
    return files


def _photo_patch(rng: np.random.Generator, photo: Array, size: tuple[int, int]) -> Array:
    share = rng.uniform(0.15, 0.9)
    high, wide = (max(1, int(length * share)) for length in photo.shape[:2])
    top, left = int(rng.integers(photo.shape[0] - high + 1)), int(rng.integers(photo.shape[1] - wide + 1))
    return np.asarray(resize(np.ascontiguousarray(photo[top : top + high, left : left + wide]), size, "area"))


def _gradient(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a linear ramp in a random direction, (height, width) float32 in about [-1, 1]."""
    angle = rng.uniform(0, 2 * np.pi)
    rows = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    columns = np.linspace(-1, 1, size[1], dtype=np.float32)[None] * np.float32(np.cos(angle))
    return rows + columns


def _texture(rng: np.random.Generator, index: int) -> NDArray[np.float32]:
    """Return one grey texture of size PATCH, zero mean and unit deviation."""
    makers = (_noise, _noise, _shapes, _shapes, _stripes, _bricks, _strokes, _leaves)
    relief = makers[index % len(makers)](rng)
    if rng.random() < 0.5:
        relief = relief + 0.5 * _noise(rng)
    relief = relief - relief.mean()
    texture: NDArray[np.float32] = (relief / max(float(relief.std()), 1e-6)).astype(np.float32)
    return texture


def _noise(rng: np.random.Generator) -> NDArray[np.float32]:
    """Sum octaves of random grids; the fall-off decides between clouds and grain."""
    falloff = rng.uniform(0.4, 1.0)
    total = np.zeros(PATCH, dtype=np.float32)
    for octave in range(2, 9):
        grid = rng.normal(size=(max(2, 2**octave // 2), 2**octave)).astype(np.float32)
        total += np.float32(falloff**octave) * np.asarray(resize(grid, PATCH, "bicubic"))
    return total


def _shapes(rng: np.random.Generator) -> NDArray[np.float32]:
    """Scatter filled polygons and ellipses, as things behind a sign are."""
    cv2, canvas = opencv(), np.zeros(PATCH, dtype=np.float32)
    for _ in range(int(rng.integers(8, 60))):
        centre = rng.uniform(0, 1, 2) * (PATCH[1], PATCH[0])
        scale = float(np.exp(rng.uniform(1.5, 4.8)))
        if rng.random() < 0.6:
            points = (centre + rng.normal(0, scale, size=(int(rng.integers(3, 7)), 2))).astype(np.int32)
            cv2.fillPoly(canvas, [points], float(rng.normal()))
        else:
            axes = (rng.uniform(0.2, 1, 2) * scale).astype(int).tolist()
            cv2.ellipse(
                canvas, centre.astype(int).tolist(), axes, float(rng.uniform(0, 180)), 0, 360, float(rng.normal()), -1
            )
    return canvas


def _stripes(rng: np.random.Generator) -> NDArray[np.float32]:
    period, angle, sharp = rng.uniform(4, 60), rng.uniform(0, np.pi), rng.uniform(1, 8)
    rows, columns = np.mgrid[0 : PATCH[0], 0 : PATCH[1]].astype(np.float32)
    phase = (rows * np.sin(angle) + columns * np.cos(angle)) * (2 * np.pi / period)
    waves: NDArray[np.float32] = np.tanh(np.sin(phase) * sharp).astype(np.float32)
    return waves


def _bricks(rng: np.random.Generator) -> NDArray[np.float32]:
    high, wide = int(rng.integers(10, 50)), int(rng.integers(16, 110))
    rows, columns = np.mgrid[0 : PATCH[0], 0 : PATCH[1]]
    course = rows // high
    shifted = columns + (course % 2) * (wide // 2) * int(rng.random() < 0.7)
    joint = ((rows % high) < 2) | ((shifted % wide) < 2)
    tones = rng.normal(0, 0.7, size=(PATCH[0] // high + 1, (PATCH[1] + wide) // wide + 1))
    return np.where(joint, rng.normal(0, 2), tones[course, shifted // wide]).astype(np.float32)


def _strokes(rng: np.random.Generator) -> NDArray[np.float32]:
    """Scatter lines and arcs of the width of letters, which a segmenter must learn to leave alone."""
    cv2, canvas = opencv(), np.zeros(PATCH, dtype=np.float32)
    for _ in range(int(rng.integers(15, 90))):
        start = (rng.uniform(0, 1, 2) * (PATCH[1], PATCH[0])).astype(int)
        end = (start + rng.normal(0, 60, size=2)).astype(int)
        tone, thickness = float(rng.normal()), int(rng.integers(1, 7))
        if rng.random() < 0.6:
            cv2.line(canvas, start.tolist(), end.tolist(), tone, thickness, cv2.LINE_AA)
        else:
            axes = (np.abs(end - start) + 2).tolist()
            cv2.ellipse(
                canvas,
                start.tolist(),
                axes,
                float(rng.uniform(0, 360)),
                0,
                float(rng.uniform(60, 330)),
                tone,
                thickness,
            )
    return canvas


def _leaves(rng: np.random.Generator) -> NDArray[np.float32]:
    """Threshold noise into blotches, as leaves, stains and crowds are."""
    noise = _noise(rng)
    levels = np.quantile(noise, np.sort(rng.uniform(0.1, 0.9, size=int(rng.integers(2, 6)))))
    return np.digitize(noise, levels).astype(np.float32)

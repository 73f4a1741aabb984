"""The shipped segmenter finds no text where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.images import Array
from segrec.reader import Segmenter

SIZES = [(1, 1), (32, 100), (64, 256), (300, 400), (512, 512)]
"""A pixel, word crops as small and as large as they come, a crop and a scene."""

MOST = 0.02
"""Share of the pixels that may be above 0.5."""

COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (230, 20, 20),
    "sky": (120, 170, 220),
    "sand": (200, 180, 140),
}


def gradients(size: tuple[int, int]) -> dict[str, Array]:
    """Return smooth ramps over the whole picture: across, down and aslant."""
    rows, columns = (np.linspace(0, 1, side) for side in size)
    down, across = np.meshgrid(rows, columns, indexing="ij")
    shares = {
        "across": across,
        "down": down,
        "aslant": (across + down) / 2,
    }
    dark, light = np.array([20, 30, 60]), np.array([250, 220, 190])
    return {
        name: (dark + share[:, :, None] * (light - dark)).round().astype(np.uint8) for name, share in shares.items()
    }


def textures(size: tuple[int, int]) -> dict[str, Array]:
    """Return clouds whose amplitude falls with frequency as in photographs, and sensor noise."""
    rng = np.random.default_rng(7)
    grey = {f"grey clouds {power}": np.repeat(_clouds(size, power, rng), 3, axis=2) for power in (1.0, 1.5, 2.0)}
    colour = {
        f"coloured clouds {power}": np.dstack([_clouds(size, power, rng) for _ in range(3)]) for power in (1.0, 1.5)
    }
    noise = np.clip(rng.normal(110, 12, (*size, 3)), 0, 255).astype(np.uint8)
    static = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    return {**grey, **colour, "sensor noise": noise, "static": static}


def _clouds(size: tuple[int, int], power: float, rng: np.random.Generator) -> Array:
    """Return noise, (H, W, 1), whose amplitude is frequency ** -power; about 1 is that of natural pictures."""
    frequency = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])[None])
    frequency[0, 0] = np.inf
    waves = rng.normal(size=(*frequency.shape, 2)) @ (1, 1j) / frequency**power
    values = np.fft.irfft2(waves, s=size)
    return np.clip(128 + 50 * values / max(float(values.std()), 1e-9), 0, 255).astype(np.uint8)[:, :, None]


def text_free(size: tuple[int, int]) -> dict[str, Array]:
    """Return pictures of `size` without text by name."""
    plain = {name: np.full((*size, 3), colour, np.uint8) for name, colour in COLOURS.items()}
    return {**plain, **gradients(size), **textures(size)}


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter.from_pretrained(device="cpu")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_picture_without_text_has_an_almost_empty_mask(segmenter: Segmenter, size: tuple[int, int]):
    pictures = text_free(size)
    masks = segmenter.predict_text(list(pictures.values()))
    assert all(np.isfinite(mask).all() for mask in masks)
    shares = {name: float((mask > 0.5).mean()) for name, mask in zip(pictures, masks, strict=True)}
    assert {name: share for name, share in shares.items() if share >= MOST} == {}

"""Promises of MSER + SWT."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from segmenter.baselines.mser import MserSwt, text_strokes
from segmenter.baselines.stroke_width import stroke_widths
from segmenter.loading import load_segmenter
from segmenter.metrics import count_pixels
from segrec.core.resampling import to_grey
from segrec.weights import resolve_weights


def bars(widths: list[int], *, light: bool = False) -> np.ndarray:
    """Upright bars of these widths, dark on light or the other way, 40 pixels apart."""
    picture = np.full((100, 40 * (len(widths) + 1), 3), 40 if light else 220, dtype=np.uint8)
    for number, width in enumerate(widths, start=1):
        picture[20:80, 40 * number : 40 * number + width] = 220 if light else 40
    return picture


@pytest.mark.parametrize("light", [False, True])
def test_the_width_of_a_stroke_is_found(light: bool):
    widths = stroke_widths(to_grey(bars([4, 9, 15], light=light)))[int(light)]
    for number, width in enumerate([4, 9, 15], start=1):
        middle = widths[40:60, 40 * number + 1 : 40 * number + width - 1]
        assert abs(np.median(middle) - width) <= 1, width


def test_a_flat_picture_has_no_strokes_and_no_text():
    flat = np.full((48, 64, 3), 128, dtype=np.uint8)
    assert not np.any(stroke_widths(to_grey(flat))) and not text_strokes(flat).any()


def letters(light: bool) -> tuple[np.ndarray, np.ndarray]:
    """A word, and where its ink is."""
    ink = Image.new("L", (320, 96))
    ImageDraw.Draw(ink).text((20, 12), "HOUSE 27", fill=255, font=ImageFont.load_default(56))
    seen = ink.filter(ImageFilter.GaussianBlur(0.8))  # as a lens sees it
    share = np.asarray(seen, dtype=np.float32)[:, :, None] / 255
    back, front = (60.0, 230.0) if light else (200.0, 30.0)
    return (back + share * (front - back)).repeat(3, axis=2).astype(np.uint8), np.asarray(ink) > 127


@pytest.mark.parametrize("light", [False, True])
def test_plain_letters_are_found_in_both_polarities(light: bool):
    picture, ink = letters(light)
    counts = count_pixels(text_strokes(picture), ink)
    assert counts.precision > 0.6 and counts.recall > 0.8, counts


def test_a_large_blob_is_no_text():
    picture = np.full((160, 160, 3), 220, dtype=np.uint8)
    picture[40:120, 40:120] = 30
    assert not text_strokes(picture).any()


def test_it_is_a_network_like_any_other():
    network = load_segmenter(resolve_weights("mser-swt"))
    picture = letters(light=False)[0]
    images = torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1
    outputs = network(images)
    assert isinstance(network, MserSwt) and not network.has_region and outputs.region is None
    assert np.array_equal(outputs.text[0, 0].numpy() > 0, text_strokes(picture))

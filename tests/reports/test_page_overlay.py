"""A picture with what was read in it."""

from __future__ import annotations

import tracemalloc

import numpy as np

from segrec.pages.word import ReadPicture, Word
from segrec.reports.page_overlay import overlay_in, page_overlay

HEIGHT, WIDTH = 40, 160


def words(*texts: str) -> tuple[Word, ...]:
    """Return words below each other, whose masks are full."""
    mask = np.ones((HEIGHT, WIDTH), np.float32)
    box = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)
    return tuple(Word(text, 1.0, (), mask, box + np.float32([90, 100 + 200 * row])) for row, text in enumerate(texts))


def test_words_are_tinted_outlined_and_labelled_and_all_else_stays():
    image = np.full((700, 500, 3), 90, np.uint8)
    drawn = page_overlay(ReadPicture("page.png", image, words("open", ""), is_page=True))
    changed = (drawn != image).any(axis=2)
    assert changed[100:140, 90:250].all(), "the strokes"
    assert changed[300, 90:250].all() and not changed[305:335, 100:240].any(), "of an empty reading the outline alone"
    rows, columns = changed.nonzero()
    assert rows.min() > 50 and rows.max() < 350 and columns.min() > 80 and columns.max() < 300


def test_a_large_page_is_drawn_in_its_own_array_with_a_part_of_a_copy():
    image = np.full((24_000, 500, 3), 90, np.uint8)  # many bands
    picture = ReadPicture("page.png", image, words("open", "hotel"), is_page=True)
    drawn = page_overlay(picture)
    assert (image == 90).all()
    tracemalloc.start()
    try:
        assert overlay_in(picture) is image
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.array_equal(image, drawn)
    assert peak < image.nbytes, f"{peak / image.nbytes:.2f} of the picture's bytes"

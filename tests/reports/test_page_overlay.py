"""A picture with what was read in it."""

from __future__ import annotations

import tracemalloc

import numpy as np

from segrec.pages.word import ReadPicture, Word
from segrec.reports.page_overlay import page_overlay

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


def test_a_page_is_drawn_with_few_copies_of_it():
    image = np.full((3000, 500, 3), 90, np.uint8)  # several bands
    picture = ReadPicture("page.png", image, words("open", "hotel"), is_page=True)
    page_overlay(picture)
    tracemalloc.start()
    try:
        page_overlay(picture)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5.5 * image.nbytes, f"{peak / image.nbytes:.2f} of the picture's bytes"

"""A sheet shows every word with its label and both readings, and claims nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from html_page import Page

from segrec.reports.report import Report, report_page
from segrec.reports.report_words import WordPicture, WordReading
from segrec.reports.sheet import Sheet

CROP = np.random.default_rng(0).integers(0, 256, (20, 50, 3), dtype=np.uint8)
MASK = np.random.default_rng(1).integers(0, 256, (20, 50), dtype=np.uint8)


def word(truth: str, before: str, after: str) -> WordPicture:
    readings = (("none", "control", before), ("predicted", "masked", after))
    first, second = (WordReading(mask, model, text, int(text == truth)) for mask, model, text in readings)
    return WordPicture(CROP, MASK, truth, first, second)


SHEET = Sheet(
    "words of shops",
    [word("sale", "bale", "sale"), word("exit", "exit", "exit"), word("open", "open", "oen"), word("tea", "", "tea")],
    measured="a book",
    notes=["By <painters>."],
)


def tiles(sheet: Sheet) -> list[Page]:
    page = report_page(Report("t", sheet=sheet))
    return [Page(tile) for tile in re.findall("<li>.*?</li>", page, re.DOTALL)]


def test_the_sentence_counts_both_sides_and_says_that_it_proves_nothing():
    assert SHEET.verdict == (
        "Of 4 words of shops, control reads 2 right without a mask and masked 3 with predicted masks; so few words "
        "illustrate but prove nothing: what masks gain on thousands stands in a book."
    )


def test_every_word_is_shown_with_its_label_and_both_readings_marked_right_or_wrong_in_signs_and_words():
    assert [tile.text for tile in tiles(SHEET)] == [
        "label sale no mask \u2717wrong: bale mask \u2713right: sale",
        "label exit no mask \u2713right: exit mask \u2713right: exit",
        "label open no mask \u2713right: open mask \u2717wrong: o_en",
        "label tea no mask \u2717wrong: nothing mask \u2713right: tea",
    ]
    assert all(len(tile.all("img")) == 2 for tile in tiles(SHEET))


def test_the_section_says_what_it_is_and_whose_its_words_are():
    page = Page(report_page(Report("t", sheet=SHEET)))
    assert f"Words of shops {SHEET.verdict} Of each word" in page.text
    assert page.text.endswith("By <painters>.")
    assert page.all("section") == [{"aria-labelledby": "sheet"}] and page.all("h2") == [{"id": "sheet"}]


def test_no_word_of_a_sheet_is_hidden_on_phones():
    style = Page(report_page(Report("t", sheet=SHEET))).style
    hiding = [line for line in style.splitlines() if "nth-child" in line and "display: none" in line]
    assert [line.split()[0] for line in hiding] == [".front"]


def test_words_of_different_readers_or_none_are_refused():
    other = replace(SHEET.words[0], before=WordReading("none", "another", "sale", 1))
    for words in ([], [*SHEET.words, other]):
        with pytest.raises(ValueError, match=f"read by one pair of variants, got {2 * bool(words)}"):
            replace(SHEET, words=words)

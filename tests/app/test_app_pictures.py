"""What the page shows of pictures, and what it does to them, without the page."""

from __future__ import annotations

import numpy as np
import pytest
from html_page import Page

from segrec.app.editing import edit_seen
from segrec.app.pictures import MOST_PICTURES, SeenPicture, see_pictures
from segrec.app.words import said, summary, words_table
from segrec.core.errors import ConfigError, DataError
from segrec.core.images import decode_image, decode_mask, read_image


@pytest.fixture(scope="module")
def seen(networks, pictures) -> list[SeenPicture]:
    return see_pictures(networks, [str(pictures / name) for name in ("photo.png", "word.png", "torn.png")])


def test_a_photograph_is_searched_for_words_and_a_crop_is_one(seen):
    photo, crop, _ = seen
    assert [[word.masked.text for word in picture.words] for picture in (photo, crop)] == [["hotel", "open"], ["open"]]
    assert all(word.control.text for picture in (photo, crop) for word in picture.words)
    assert (photo.is_page, crop.is_page) == (True, False)
    assert ((photo.words[0].outline > 0) & (photo.words[0].outline < 1)).all()


def test_the_masks_are_those_of_text_and_of_regions(seen):
    for picture in seen[:2]:
        text, region = decode_mask(picture.text), decode_mask(picture.region)
        assert text.shape == region.shape == decode_image(picture.overlay).shape[:2]
        assert 0 < (text > 127).sum() < (region > 127).sum()


def test_a_file_that_is_no_picture_has_its_problem_and_not_the_folder_that_it_was_uploaded_to(seen, pictures):
    assert seen[2].problem is not None and seen[2].problem.startswith("torn.png: ")
    assert str(pictures) not in words_table(seen)
    assert "3 words in 2 pictures; the mask changed " in summary(seen)
    assert summary(seen).endswith(f"Not read: 1 picture, the first: {seen[2].problem}")
    assert summary(seen[2:]) == seen[2].problem


def test_the_table_has_crops_masks_and_both_readings(seen):
    page = Page(f"<!doctype html>{words_table(seen)}")
    assert page.text.count("Without a mask") == page.text.count("With the mask") == 2
    control, masked = seen[0].words[0].control, seen[0].words[0].masked
    assert f"1 {control.text} {control.confidence:.2f} hotel {masked.confidence:.2f}" in page.text
    shown = [image["alt"] for image in page.all("img")]
    assert shown == ["the word", "its text mask"] * 2 + ["the word", "its text mask", "its region mask"]


def test_names_and_messages_of_others_are_text_and_no_html(seen):
    odd = SeenPicture("<img src=x onerror=alert(1)>\u202egnp", "/x", problem="<b>torn</b>")
    for html in (words_table([odd]), said("<script>alert(1)</script>", is_error=True)):
        assert Page(f"<!doctype html>{html}").all("img") == [] and "<b>" not in html and "<script>" not in html
        assert "\u202e" not in html


def test_too_many_pictures_are_refused_before_any_is_read(networks):
    with pytest.raises(ConfigError, match=f"drop up to {MOST_PICTURES}; segrec read takes any number"):
        see_pictures(networks, ["nowhere.png"] * (MOST_PICTURES + 1))


def test_only_the_words_that_are_chosen_are_edited(networks, pictures, seen):
    before = read_image(pictures / "photo.png")
    after = edit_seen(networks, seen[0], [1], "recolor", color="#ff0000")
    changed = np.flatnonzero((before != after).any(axis=(0, 2)))
    assert after.shape == before.shape and changed.min() > 180, "the first word ends at 180"
    erased = edit_seen(networks, seen[0], [0], "erase")
    assert (erased[60:120, 60:180] != before[60:120, 60:180]).any()


def test_text_is_copied_to_another_picture_of_its_own_size(networks, pictures, seen):
    target = str(pictures / "photo.png")
    after = edit_seen(networks, seen[1], [0], "copy", target=target)
    assert after.shape == (400, 400, 3) and (after != read_image(target)).any()


def test_editing_says_what_is_missing(networks, seen):
    with pytest.raises(ConfigError, match="tick those that are to be edited"):
        edit_seen(networks, seen[0], [], "erase")
    with pytest.raises(ConfigError, match="drop the one that gets the text"):
        edit_seen(networks, seen[0], [0], "copy")
    with pytest.raises(ConfigError, match="a colour is written #RRGGBB"):
        edit_seen(networks, seen[0], [0], "recolor", color="orange")
    with pytest.raises(DataError, match=r"cannot read image gone\.png"):
        edit_seen(networks, seen[0]._replace(path="/nowhere/gone.png"), [0], "erase")

"""Pages, turned crops and single characters read by the shipped weights."""

from __future__ import annotations

import numpy as np
import pytest
from printed_words import letters, printed

import segrec
from segrec.core.images import resize
from segrec.pages.rapidocr_detector import RapidDetector
from segrec.reader import Reader

WORDS = ("hotel", "open", "station")


@pytest.fixture(scope="module")
def reader() -> Reader:
    return segrec.Reader.from_pretrained(device="cpu")


@pytest.fixture(scope="module")
def page() -> tuple[np.ndarray, list[np.ndarray]]:
    """A wall with three printed words, each with its box."""
    wall, boxes = np.full((480, 640, 3), (200, 190, 150), np.uint8), []
    for word, (left, top) in zip(WORDS, ((60, 60), (300, 60), (200, 260)), strict=True):
        crop = printed(word)
        wall[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
        boxes.append(np.array([left, top, left + crop.shape[1], top + crop.shape[0]]))
    return wall, boxes


def test_words_of_a_detector_come_in_reading_order_with_their_outlines(reader, page):
    wall, boxes = page
    words = reader.read_page(wall, detector=lambda image: np.stack(boxes[::-1]))
    assert [word.text for word in words] == list(WORDS)
    for word, (left, top, right, bottom) in zip(words, boxes, strict=True):
        assert np.array_equal(word.polygon, [[left, top], [right, top], [right, bottom], [left, bottom]])


def test_shares_of_the_picture_s_sides_read_the_same(reader, page):
    wall, boxes = page
    shares = np.stack(boxes) / np.array([640, 480, 640, 480])
    rotated = [np.array([[x, y], [z, y], [z, w], [x, w], [0, 0.9]]) for x, y, z, w in shares]  # docTR's (5, 2)
    for regions in (boxes, shares, rotated):
        assert [word.text for word in reader.read_regions(wall, regions)] == list(WORDS)


def test_a_page_without_a_detector_is_searched_by_the_segmenter(reader, page):
    wall, boxes = page
    words = reader.read_page(wall)
    assert {word.text for word in words} >= {"hotel", "open"}
    for word in words:
        middle = word.polygon.mean(axis=0)
        assert any((box[:2] < middle).all() and (middle < box[2:]).all() for box in boxes)
    assert reader.read_page(np.full((60, 80, 3), 128, np.uint8)) == []


def test_the_detector_of_rapidocr_is_a_detector(reader, page):
    pytest.importorskip("rapidocr")
    assert [word.text for word in reader.read_page(page[0], detector=RapidDetector(), lines=True)] == list(WORDS)


def test_a_line_of_two_words_is_cut_where_there_is_no_ink(reader, page):
    wall = np.full((200, 420, 3), (200, 190, 150), np.uint8)
    for word, left in (("hotel", 20), ("open", 150)):
        crop = printed(word)
        wall[60 : 60 + crop.shape[0], left : left + crop.shape[1]] = crop
    line = [[20, 60, 271, 118]]
    words = reader.read_page(wall, detector=lambda image: line, lines=True)
    assert [word.text for word in words] == ["hotel", "open"]
    assert abs(words[0].polygon[1, 0] - 145) < 12 and np.allclose(words[0].polygon[1], words[1].polygon[0])
    (whole,) = reader.read_page(wall, detector=lambda image: line)
    assert np.array_equal(whole.polygon[0], [20, 60])


@pytest.mark.parametrize("quarters", [1, 3])
def test_a_word_that_runs_up_or_down_is_read_with_its_mask_in_place(reader, quarters):
    crop = printed("station")
    (level,), (word,) = reader.read([crop]), reader.read([np.rot90(crop, quarters)])
    assert word.text == level.text == "station"
    assert np.allclose(np.rot90(word.mask, -quarters), level.mask, atol=1e-5)
    assert reader.read([np.rot90(crop, quarters)], turns=None)[0].text != "station"


def test_each_character_s_box_holds_the_middle_of_its_ink(reader):
    crop = printed("hotel")
    (word,) = reader.read([crop])
    assert word.text == "hotel" and word.character_boxes.shape == (5, 4, 2)
    for place, box in enumerate(word.character_boxes):
        before, with_it = (letters("hotel"[:length]).shape[1] - 28 for length in (place, place + 1))
        middle = 14 + ((before if place else 0) + with_it) / 2
        assert box[0, 0] < middle < box[1, 0]
        assert box[0, 1] == 0 and box[2, 1] == crop.shape[0]


def test_boxes_of_characters_lie_in_the_picture_and_follow_the_turn(reader, page):
    wall, boxes = page
    (word,) = reader.read_regions(wall, [boxes[0]])
    (crop_word,) = reader.read([wall[boxes[0][1] : boxes[0][3], boxes[0][0] : boxes[0][2]]])
    assert np.allclose(word.character_boxes, crop_word.character_boxes + boxes[0][:2], atol=0.1)
    (turned,) = reader.read([np.rot90(printed("hotel"))])
    assert (np.diff(turned.character_boxes.mean(axis=1)[:, 1]) < 0).all()  # the word runs upwards


def test_a_lexicon_that_changes_the_text_leaves_no_boxes(reader):
    (word,) = reader.read([printed("hotel")], lexicon=["motel"])
    assert word.text == "motel" and word.character_boxes is None


def test_a_small_picture_enlarged_is_the_same_word(reader):
    crop = printed("open")
    assert reader.read([resize(crop, (24, 24 * crop.shape[1] // crop.shape[0]), "area")])[0].text == "open"

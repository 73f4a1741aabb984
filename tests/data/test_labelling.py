"""Masks of words from their transcripts: what is taken, and what is refused for which reason."""

from __future__ import annotations

import numpy as np
import pytest
from printed_words import INK, letters, painted, printed

from recognizers import Recognizer
from segrec.core.images import resize
from segrec.data.labelling.acceptance import IGNORE, Survivor, agreed, hollow, is_outline, label_mask
from segrec.data.labelling.binarise import candidates, overlap, working_picture
from segrec.data.labelling.ink_shape import (
    border_share,
    counters,
    foreign_holes,
    fragments,
    hole_count,
    holes_of,
    largest_share_of_holes,
    solidity,
)
from segrec.data.labelling.reasons import REASONS
from segrec.reader import open_recognizer

WHITE, BLACK, BLUE = (240, 240, 240), (10, 10, 10), (90, 120, 200)
CHECKS = np.repeat(np.kron(np.indices((8, 20)).sum(axis=0) % 2, np.ones((8, 8)))[:, :, None] * 180 + 40, 3, axis=2)
CHECKS = CHECKS.astype(np.uint8)


@pytest.fixture(scope="module")
def verifier() -> Recognizer:
    return open_recognizer("crnn-slim", device="cpu")


@pytest.mark.parametrize("text", ["exit", "BOOK", "2026"])
def test_the_mask_of_a_clean_word_is_its_letters(verifier, text):
    picture = printed(text)
    mask, reason = label_mask(picture, f"{text}!", verifier)
    assert reason is None and mask is not None and mask.shape[0] == 64
    truth = resize(letters(text), mask.shape) > 127
    known = mask != IGNORE
    assert overlap((mask == 255)[known], [truth[known]])[0] > 0.9


def test_a_mask_is_as_large_as_a_crop_of_more_than_64_rows(verifier):
    picture = np.asarray(resize(printed("market"), (130, 400)), np.uint8)
    mask, _ = label_mask(picture, "market", verifier)
    assert mask is not None and mask.shape == (130, 400)
    assert set(np.unique(mask)) <= {0, IGNORE, 255}


def test_the_same_word_always_has_the_same_mask(verifier):
    first, again = (label_mask(printed("exit"), "exit", verifier).mask for _ in range(2))
    assert first is not None and np.array_equal(first, again)


@pytest.mark.parametrize(
    ("picture", "label", "reason"),
    [
        (printed("A"), "A!", "short label"),
        (np.full((30, 90, 3), 90, np.uint8), "HOTEL", "flat"),
        (printed("HOTEL"), "motel", "unread"),
        (CHECKS, "HOTEL", "border"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_word_without_a_mask_has_a_reason(verifier, picture, label, reason):
    assert label_mask(picture, label, verifier) == (None, reason)
    assert reason in REASONS


@pytest.mark.parametrize("text", ["HOTEL", "SHELL"])
def test_a_plate_with_letters_cut_out_is_refused(verifier, text):
    body = letters(text)
    plate = np.zeros_like(body)
    plate[5:-5, 5:-5] = 255
    picture = painted((plate, INK), (body, (200, 190, 150)))
    assert label_mask(picture, text, verifier) == (None, "inverted")
    assert hollow((plate > 0) & (body < 128), text, verifier) == "inverted"
    assert hollow(body > 127, text, verifier) is None


def test_outlines_around_letters_of_another_colour_are_no_strokes_but_the_letters_are():
    body, grown = letters("SHELL"), letters("SHELL", outline=3)
    picture = painted((grown, BLACK), (body, WHITE), ground=BLUE)
    outline = (grown > 127) & (body < 128)
    assert is_outline(outline, picture) and foreign_holes(outline, picture) > 0.3
    assert not is_outline(body > 127, picture)
    assert foreign_holes(letters("BOOK") > 127, printed("BOOK")) < 0.12


def test_filled_letters_that_read_as_well_are_no_fault_where_the_label_has_counters(verifier):
    assert hollow(letters("Drive") > 127, "Drive", verifier) is None
    assert (counters("Drive"), counters("BOOK"), counters("exit&")) == (3, 4, 3)


def test_binarisations_that_differ_too_much_or_are_too_few_give_no_mask(verifier):
    ink = letters("SIT") > 127
    other = np.roll(ink, 9, axis=1)
    size = (ink.shape[0], ink.shape[1])
    assert agreed([Survivor(ink, 9, 1.0)], "SIT", verifier, size).reason is None
    assert agreed([Survivor(ink, 2, 1.0)], "SIT", verifier, size).reason == "disagreement"
    apart = [Survivor(ink, 5, 1.0), Survivor(other, 5, 1.0), Survivor(np.roll(ink, -9, axis=1), 5, 1.0)]
    assert agreed(apart, "SIT", verifier, size) == (None, "disagreement")


def test_pixels_in_which_the_survivors_differ_are_ignored(verifier):
    thick, thin = letters("SIT", outline=1) > 127, letters("SIT") > 127
    size = (thin.shape[0], thin.shape[1])
    mask, _ = agreed([Survivor(thick, 5, 1.0), Survivor(thin, 5, 1.0)], "SIT", verifier, size)
    assert mask is not None
    assert (mask[thick & ~thin] == IGNORE).all() and (mask[thin] == 255).all() and (mask[~thick] == 0).all()


def test_a_working_picture_has_64_rows_and_its_binarisations_differ():
    picture = working_picture(printed("hotel")[::2, ::2])
    assert picture.shape[0] == 64
    found = candidates(picture)
    assert 4 <= len(found) < 20 and sum(candidate.votes for candidate in found) > len(found)
    for number, candidate in enumerate(found):
        others = [other.ink for other in found[:number]]
        assert not others or overlap(candidate.ink, others).max() < 0.92
        assert candidate.ink.shape == picture.shape[:2] and 0.04 <= candidate.ink.mean() <= 0.65


def test_what_ink_encloses_is_found_and_counted():
    ring = np.zeros((12, 24), bool)
    ring[2:9, 2:9] = True
    ring[4:7, 4:7] = False
    ring[2:5, 12:15] = True
    ring[3, 13] = False
    holes = holes_of(ring)
    assert (int(holes.sum()), hole_count(holes, least=1), hole_count(holes, least=2)) == (10, 2, 1)
    assert largest_share_of_holes(ring) == pytest.approx(0.9)
    assert largest_share_of_holes(np.zeros((4, 4), bool)) == 0


def test_specks_and_what_the_border_cuts_off_are_fragments():
    ink = np.zeros((40, 60), bool)
    ink[10:30, 10:14] = True
    ink[0:5, 20:40] = True
    ink[20, 50:52] = True
    ink[0:30, 45:48] = True
    found = fragments(ink, height=0.25, least=10)
    assert found[0:5, 20:40].all() and found[20, 50:52].all()
    assert not found[10:30, 10:14].any() and not found[0:30, 45:48].any()
    assert border_share(ink) == pytest.approx(23 / (2 * 60 + 2 * 38))
    assert solidity(ink[:, 40:]) == pytest.approx(29 / 92)

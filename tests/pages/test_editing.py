"""Text erased, recoloured and copied along its mask."""

from __future__ import annotations

import numpy as np
import pytest
from printed_words import GROUND, INK, letters, painted, printed

import segrec
from segrec.core.errors import ConfigError
from segrec.jobs.edit import Editing, edit_picture, parse_color
from segrec.pages.editing import take_apart, without_bars
from segrec.reader import Reader

IMAGE = printed("HOTEL")
MASK = letters("HOTEL").astype(np.float32) / 255
INSIDE, OUTSIDE = MASK > 0.95, MASK == 0
BLUE, ORANGE = INK, (255, 140, 0)


def test_what_was_erased_looks_like_its_ground():
    erased = segrec.erase_text(IMAGE, MASK)
    assert np.abs(erased[INSIDE].astype(int) - GROUND).mean() < 6
    far = OUTSIDE.copy()
    far[6:-6, 6:-6] = False
    assert np.array_equal(erased[far], IMAGE[far])


def test_recoloured_text_has_the_colour_and_soft_edges_and_leaves_the_ground():
    shown = segrec.recolor_text(IMAGE, MASK, ORANGE)
    assert np.abs(shown[INSIDE].astype(int) - ORANGE).mean() < 25
    assert np.abs(shown[OUTSIDE].astype(int) - IMAGE[OUTSIDE]).mean() < 3
    edge = (MASK > 0.3) & (MASK < 0.7)
    expected = np.array(GROUND) + (np.array(ORANGE) - GROUND) * MASK[edge][:, None]
    assert np.abs(shown[edge] - expected).mean() < 20


def test_a_mask_of_hard_blocks_still_gives_soft_edges():
    """The share of a pixel that is text comes from its colour, so a coarse mask does not show."""
    coarse = (np.kron(MASK[::4, ::4] > 0.3, np.ones((4, 4)))[: MASK.shape[0], : MASK.shape[1]]).astype(np.float32)
    opacity = take_apart(IMAGE, coarse).opacity
    near = coarse > 0
    assert np.abs(opacity - MASK)[near].mean() < 0.06 < np.abs(coarse - MASK)[near].mean()


def test_text_laid_on_its_own_ground_is_the_picture_again():
    layers = take_apart(IMAGE, MASK)
    share = layers.opacity[:, :, None]
    again = layers.ground * (1 - share) + layers.text * share
    assert np.abs(again - IMAGE).mean() < 3


def test_copied_text_keeps_its_colour_and_is_scaled_to_the_other_picture():
    target = np.full((IMAGE.shape[0] * 2, IMAGE.shape[1] * 2, 3), (20, 120, 20), np.uint8)
    copied = segrec.copy_text(IMAGE, MASK, target)
    changed = np.abs(copied.astype(int) - target).sum(axis=2) > 60
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    inked = np.flatnonzero((MASK > 0.5).any(axis=0))
    assert abs(columns[0] - 2 * inked[0]) <= 4 and abs(columns[-1] - 2 * inked[-1]) <= 4
    assert len(rows) and np.abs(np.median(copied[changed], axis=0) - BLUE).max() < 25
    assert np.array_equal(segrec.copy_text(IMAGE, MASK * 0, target), target)


@pytest.mark.parametrize("ground", [(0, 0, 0), (255, 255, 255), (90, 90, 90)])
def test_no_text_changes_nothing(ground):
    image = np.full((20, 30, 3), ground, np.uint8)
    nothing = np.zeros((20, 30), np.float32)
    assert np.array_equal(segrec.erase_text(image, nothing), image)
    assert np.array_equal(segrec.recolor_text(image, nothing, ORANGE), image)


def test_the_edges_of_a_board_are_no_strokes():
    mask = np.zeros((40, 120), np.float32)
    mask[4:36, 30:34] = mask[4:36, 60:64] = 0.9  # letters
    framed = mask.copy()
    framed[:, :3] = framed[1:, 117:] = 0.8
    assert np.array_equal(without_bars(framed), mask)
    assert np.array_equal(without_bars(mask), mask)
    wide = np.zeros((40, 120), np.float32)
    wide[:, :20] = 0.9
    assert np.array_equal(without_bars(wide), wide)


def test_what_is_no_picture_mask_or_colour_is_refused():
    with pytest.raises(ValueError, match=r"the mask must be \(\d+, \d+\) like the image, got \(3, 3\)"):
        segrec.erase_text(IMAGE, np.zeros((3, 3), np.float32))
    with pytest.raises(ValueError, match=r"float in \[0, 1\]; divide one of 0\.\.255 by 255"):
        segrec.erase_text(IMAGE, letters("HOTEL"))
    with pytest.raises(ValueError, match=r"color must be three values in 0\.\.255, got \(0, 0, 300\)"):
        segrec.recolor_text(IMAGE, MASK, (0, 0, 300))
    with pytest.raises(ConfigError, match=r"a colour is written #RRGGBB, such as #ff8800, got 'red'"):
        parse_color("red")
    with pytest.raises(ConfigError, match="one of recolor, erase and copy_to"):
        Editing(recolor="#ff0000", erase=True)
    assert parse_color("#0a0B0c") == (10, 11, 12)


def test_a_word_is_edited_along_the_mask_that_the_network_predicts():
    reader = Reader.from_pretrained(device="cpu")
    image = painted((letters("HOTEL"), INK))
    edited = edit_picture(reader, image, Editing(erase=True))
    assert np.abs(edited.image[INSIDE].astype(int) - GROUND).mean() < 12
    assert edited.mask.shape == image.shape[:2] and np.array_equal(edited.before, image)
    half = [[0, 0, image.shape[1] // 2, image.shape[0]]]
    chosen = edit_picture(reader, image, Editing(recolor="#ff8c00", polygons=half))
    assert np.array_equal(chosen.image[:, image.shape[1] // 2 + 8 :], image[:, image.shape[1] // 2 + 8 :])
    assert (chosen.image[:, : image.shape[1] // 2] != image[:, : image.shape[1] // 2]).any()

"""Text erased, recoloured and copied along its mask."""

from __future__ import annotations

import numpy as np
import pytest
from printed_words import GROUND, INK, letters, painted, printed

import segrec
from segrec.core.errors import ConfigError, DataError
from segrec.jobs.edit import Editing, edit_picture, parse_color
from segrec.pages import editing, ink
from segrec.pages.ink import Window, without_bars
from segrec.pages.text_layers import Layers, take_apart
from segrec.pages.tiled_mask import SIDE, TiledMask
from segrec.reader import Reader

IMAGE = printed("HOTEL")
MASK = letters("HOTEL").astype(np.float32) / 255
INSIDE, OUTSIDE = MASK > 0.95, MASK == 0
BLUE, ORANGE = INK, (255, 140, 0)


def layers_of(mask: np.ndarray) -> Layers:
    return take_apart(IMAGE, mask, ink.ink(mask), Window(*(slice(0, side) for side in mask.shape)))


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
    opacity = layers_of(coarse).opacity
    near = coarse > 0
    assert np.abs(opacity - MASK)[near].mean() < 0.06 < np.abs(coarse - MASK)[near].mean()


def test_text_laid_on_its_own_ground_is_the_picture_again():
    layers = layers_of(MASK)
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
    assert edited.mask.shape == image.shape[:2] and edited.image is image
    image = painted((letters("HOTEL"), INK))
    half = [[0, 0, image.shape[1] // 2, image.shape[0]]]
    chosen = edit_picture(reader, image.copy(), Editing(recolor="#ff8c00", polygons=half))
    assert np.array_equal(chosen.image[:, image.shape[1] // 2 + 8 :], image[:, image.shape[1] // 2 + 8 :])
    assert (chosen.image[:, : image.shape[1] // 2] != image[:, : image.shape[1] // 2]).any()


def scattered(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A picture of some words, one of them along its lower edge, and its mask."""
    mask = np.zeros(size, np.float32)
    for top, left in ((30, 20), (40, 700), (500, 260), (size[0] - MASK.shape[0] // 2, 60)):
        place = mask[top : top + MASK.shape[0], left : left + MASK.shape[1]]
        place[:] = MASK[: place.shape[0], : place.shape[1]]
    ground = np.random.default_rng(1).integers(90, 200, (*size, 3)).astype(np.uint8)
    share = mask[:, :, None]
    return np.asarray(ground * (1 - share) + np.asarray(INK) * share, np.uint8), mask


def test_tiles_and_groups_of_words_change_no_byte(monkeypatch: pytest.MonkeyPatch):
    image, mask = scattered((900, 1100))
    tiled = TiledMask(mask.shape)
    tiled.lay(slice(0, 900), slice(0, 1100), mask)
    target = np.full((700, 1500, 3), 80, np.uint8)
    shown = []
    for side, given in ((4096, mask), (64, mask), (96, tiled)):
        monkeypatch.setattr(ink, "TILE", side)
        erased, recolored, copied = image.copy(), image.copy(), target.copy()
        editing.erase_in(erased, given)
        editing.recolor_in(recolored, given, ORANGE)
        editing.copy_into(copied, image, given)
        shown.append((erased, recolored, copied))
    for other in shown[1:]:
        assert all(np.array_equal(mine, theirs) for mine, theirs in zip(shown[0], other, strict=True))
    assert all((mine != before).any() for mine, before in zip(shown[0], (image, image, target), strict=True))


def test_groups_hold_each_pixel_once_and_no_neighbour_is_in_another():
    rng = np.random.default_rng(0)
    found = np.zeros((450, 733), np.uint8)
    found[rng.integers(0, 450, 40), rng.integers(0, 733, 40)] = 255
    for apart in (6, 24, 112):
        total, owners = np.zeros_like(found), np.zeros(found.shape, int)
        for number, (window, part) in enumerate(ink.groups(found, apart=apart, margin=5), 1):
            total[window] += part
            owners[window][part > 0] = number
        assert np.array_equal(total, found)
        places = np.argwhere(found)
        near = np.abs(places[:, None] - places[None]).max(axis=2) <= apart
        numbers = owners[tuple(places.T)]
        assert (numbers[:, None] == numbers[None])[near].all()
        assert apart > 100 or len(set(numbers)) > 1


def test_a_tiled_mask_is_read_as_an_array_and_keeps_only_what_holds_something():
    rng = np.random.default_rng(2)
    whole, tiled = np.zeros((1300, 1400), np.float32), TiledMask((1300, 1400))
    for top, left, height, width in ((500, 480, 60, 70), (10, 20, 5, 9), (530, 500, 100, 10), (1000, 0, 20, 1400)):
        values = rng.random((height, width), dtype=np.float32) * (height != 20)
        window = slice(top, top + height), slice(left, left + width)
        whole[window] = np.maximum(whole[window], values)
        tiled.lay(*window, values)
    assert np.array_equal(tiled[:, :], whole) and np.array_equal(tiled[490:1290, 3:640], whole[490:1290, 3:640])
    assert np.array_equal(tiled.levels(), (whole * 255).round()) and tiled.nbytes == 4 * 4 * SIDE**2


def test_text_in_one_piece_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(editing, "MOST_BYTES", 3_000_000)
    image, mask = scattered((900, 1100))
    for edit in (segrec.erase_text, lambda *both: segrec.copy_text(*both, IMAGE)):
        with pytest.raises(DataError, match=r"in one piece takes more than 3 MB to edit; shrink the picture first"):
            edit(image, mask)

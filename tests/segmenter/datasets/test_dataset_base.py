"""Region masks, mask files and folders of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from written import block, ramp, write_picture

from segmenter.datasets.base import check_size, in_order, pictures, polygon_of, read_mask, read_stored, region_mask
from segrec.core.errors import DataError

SQUARE = np.array([[2, 1], [6, 1], [6, 4], [2, 4]], np.float32)


def test_a_region_mask_paints_ignored_regions_first_and_text_over_them():
    mask = region_mask([SQUARE], (6, 10), ignored=[SQUARE + np.float32([3, 0])])
    assert set(np.unique(mask)) == {0, 128, 255} and mask.dtype == np.uint8
    assert (mask[2, [0, 3, 5, 8]] == [0, 255, 255, 128]).all()


def test_a_region_mask_without_regions_is_empty_and_regions_outside_are_cut_off():
    assert not region_mask([], (3, 4)).any()
    assert region_mask([SQUARE * 100 - 250], (6, 10)).all()
    assert not region_mask([SQUARE + 50], (6, 10)).any()


@pytest.mark.parametrize("outline", [SQUARE[:2], SQUARE[:, :1], SQUARE.ravel(), SQUARE * np.float32(np.nan)])
def test_an_outline_that_is_none_is_refused(outline):
    with pytest.raises(ValueError, match=r"a polygon must be \(P, 2\) finite numbers with P >= 3"):
        region_mask([outline], (6, 10))


def test_coordinates_become_points_and_what_is_none_is_refused_with_its_place():
    assert polygon_of(["1", " 2", 3.5, 4, 5, 6], "here").tolist() == [[1, 2], [3.5, 4], [5, 6]]
    for bad in (
        ["1", "2", "x", "4", "5", "6"],
        [1, 2, 3, 4],
        [1, 2, 3, 4, 5, 6, 7],
        [1, 2, 3, 4, 5, "inf"],
        [None] * 6,
    ):
        with pytest.raises(DataError, match=r"^gt\.txt, line 3: expected"):
            polygon_of(bad, "gt.txt, line 3")


def test_a_soft_mask_is_cut_over_127_and_only_128_is_ignored(tmp_path):
    values = np.array([[0, 127, 128, 129, 255]], np.uint8)
    assert read_mask(write_picture(tmp_path / "a.png", values)).tolist() == [[0, 0, 128, 255, 255]]


def test_a_colour_mask_and_a_bit_mask_read_as_a_grey_one(tmp_path):
    mask = block(8, 8, slice(2, 5), slice(1, 7))
    assert np.array_equal(read_mask(write_picture(tmp_path / "a.png", np.stack([mask] * 3, axis=2))), mask)
    assert np.array_equal(read_mask(write_picture(tmp_path / "b.png", mask > 0)), mask)


def test_a_jpeg_mask_is_cut_over_127_and_ignores_nothing(tmp_path):
    mask = np.full((16, 16), 128, np.uint8)
    mask[:, 8:] = 60
    read = read_mask(write_picture(tmp_path / "a.JPG", mask))
    assert (read[:, :8] == 255).all() and not read[:, 8:].any()


def test_a_mask_of_zeros_and_ones_is_refused_rather_than_read_as_empty(tmp_path):
    path = write_picture(tmp_path / "a.png", block(4, 4, slice(1, 2), slice(1, 2), 1))
    with pytest.raises(DataError, match=r"a\.png: the mask holds only 0 and 1; expected 0 = none, 255 = text"):
        read_mask(path)


def test_a_datasets_picture_is_read_as_it_is_stored(tmp_path):
    path = write_picture(tmp_path / "a.png", ramp(4, 6), orientation=6)
    assert np.array_equal(read_stored(path), ramp(4, 6))
    assert read_stored(write_picture(tmp_path / "grey.png", ramp(4, 6)[:, :, 0])).shape == (4, 6, 3)


def test_sizes_that_differ_name_both_files_and_both_sizes(tmp_path):
    image, mask = ramp(4, 6), np.zeros((6, 4), np.uint8)
    with pytest.raises(
        DataError, match=r"m\.png is 4 x 6 pixels but its image .*i\.jpg is 6 x 4; expected equal sizes"
    ):
        check_size(mask, image, mask_path=tmp_path / "m.png", image_path=tmp_path / "i.jpg")


def test_names_sort_as_people_count():
    assert in_order(["img_10", "img_2", "b", "10", "2", "img_2a"]) == ["2", "10", "b", "img_2", "img_2a", "img_10"]


def test_pictures_are_found_by_stem_whatever_the_case_of_their_suffix(tmp_path):
    for name in ("img10.jpg", "img9.JPG", "img1.png"):
        write_picture(tmp_path / name, ramp(4, 4))
    for name in ("._img9.JPG", "Thumbs.db", "img3.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert list(pictures(tmp_path)) == ["img1", "img9", "img10"]


def test_a_folder_without_pictures_or_with_one_stem_twice_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no pictures; expected files that end in \.jpg"):
        pictures(tmp_path)
    with pytest.raises(DataError, match=r"cannot list .*absent: No such file"):
        pictures(tmp_path / "absent")
    for name in ("a.jpg", "a.png"):
        write_picture(tmp_path / name, ramp(4, 4))
    with pytest.raises(DataError, match=r"a\.(jpg|png) and a\.(jpg|png) share a stem; keep one"):
        pictures(tmp_path)

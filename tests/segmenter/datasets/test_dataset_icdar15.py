"""ICDAR-2015 incidental scenes in the release's layout and in a plain one."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from written import ramp, write_picture, write_text

from segmenter.datasets.icdar15 import Icdar15, read_quadrangles
from segrec.core.errors import DataError

LINES = "2,1,6,1,6,4,2,4,CTE\r\n10,1,14,1,14,4,10,4,###\r\n"


def plain(root, stems=("img_2", "img_10"), lines=LINES):
    for stem in stems:
        write_picture(root / "images" / f"{stem}.jpg", ramp(8, 16))
        write_text(root / "gt" / f"gt_{stem}.txt", lines, encoding="utf-8-sig")
    return root


def test_words_are_regions_unreadable_words_are_ignored_and_text_is_unknown(tmp_path):
    sample = Icdar15(plain(tmp_path)).sample(0)
    assert sample.image.shape == (8, 16, 3) and sample.text is None
    assert sample.region is not None and sample.region.shape == (8, 16)
    assert (sample.region[2, [0, 4, 12]] == [0, 255, 128]).all()


def test_images_come_in_counting_order_under_their_stems(tmp_path):
    scenes = Icdar15(plain(tmp_path))
    assert [scenes.name(position) for position in range(len(scenes))] == ["img_2", "img_10"]


@pytest.mark.parametrize(
    ("split", "images", "truth"),
    [
        ("train", "ch4_training_images", "ch4_training_localization_transcription_gt"),
        ("test", "ch4_test_images", "Challenge4_Test_Task1_GT"),
    ],
)
def test_the_releases_folders_are_read_by_split(tmp_path, split, images, truth):
    write_picture(tmp_path / images / "img_7.jpg", ramp(8, 16))
    write_text(tmp_path / truth / "gt_img_7.txt", LINES, encoding="utf-8-sig")
    assert Icdar15(tmp_path, split).name(0) == "img_7"
    other = "test" if split == "train" else "train"
    with pytest.raises(
        DataError, match=rf"is not an ICDAR-2015 {other} set; expected ch4_.*/ with .* or images/ with gt/"
    ):
        Icdar15(tmp_path, other)


def test_a_plain_folder_is_read_for_either_split(tmp_path):
    plain(tmp_path)
    assert len(Icdar15(tmp_path, "test")) == len(Icdar15(tmp_path, "train")) == 2


def test_a_transcription_may_hold_commas_quotes_and_the_line_separators_of_unicode(tmp_path):
    text = '1,1,5,1,5,5,1,5,"a,b",c\n\n1,1,5,1,5,5,1,5,x\u2028y\x0cz\n2,2,4,2,4,4,2,4, ### \n1,1,5,1,5,5,1,5,'
    found = read_quadrangles(write_text(tmp_path / "gt.txt", text))
    assert len(found.words) == 3 and [points.tolist() for points in found.ignored] == [[[2, 2], [4, 2], [4, 4], [2, 4]]]


def test_a_scene_without_words_has_an_empty_region_mask(tmp_path):
    region = Icdar15(plain(tmp_path, lines="")).sample(1).region
    assert region is not None and not region.any()


def test_boxes_may_reach_outside_the_image(tmp_path):
    region = Icdar15(plain(tmp_path, lines="-5,-5,4,-5,4,99,-5,99,A\n")).sample(0).region
    assert region is not None and (region[:, :4] == 255).all() and not region[:, 6:].any()


def test_an_image_with_an_exif_orientation_keeps_the_frame_of_its_boxes(tmp_path):
    plain(tmp_path)
    write_picture(tmp_path / "images" / "img_2.jpg", ramp(8, 16), orientation=6)
    sample = Icdar15(tmp_path).sample(0)
    assert sample.image.shape == (8, 16, 3) and sample.region is not None and sample.region[2, 4] == 255


def test_a_grey_image_is_read_as_rgb(tmp_path):
    plain(tmp_path)
    write_picture(tmp_path / "images" / "img_2.jpg", ramp(8, 16)[:, :, 0])
    assert Icdar15(tmp_path).sample(0).image.shape == (8, 16, 3)


def test_an_image_without_ground_truth_is_named_with_the_file_it_needs(tmp_path):
    plain(tmp_path)
    (tmp_path / "gt" / "gt_img_10.txt").unlink()
    with pytest.raises(DataError, match=r"img_10\.jpg has no ground truth; expected .*gt_img_10\.txt; see the layouts"):
        Icdar15(tmp_path)


@pytest.mark.parametrize("line", ["1,1,5,1,5,5,1,5", "1,1,5,1,5,5,1,x,A", "A", "1,1,5,1,5,5,nan,5,A"])
def test_a_line_of_another_form_is_named_by_file_and_number(tmp_path, line):
    path = write_text(tmp_path / "gt.txt", f"1,1,5,1,5,5,1,5,A\n{line}\n")
    with pytest.raises(DataError, match=r"gt\.txt, line 2: expected "):
        read_quadrangles(path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "gt.txt").write_bytes(b"\xff\xfe1")
    with pytest.raises(DataError, match=r"gt\.txt is not UTF-8 text \(.*at byte 0\)"):
        read_quadrangles(tmp_path / "gt.txt")
    with pytest.raises(DataError, match=r"cannot read .*absent\.txt: No such file"):
        read_quadrangles(tmp_path / "absent.txt")


def test_a_reader_survives_pickling_and_reads_the_same(tmp_path):
    scenes = Icdar15(plain(tmp_path))
    again = pickle.loads(pickle.dumps(scenes))
    assert len(again) == 2 and again.name(1) == "img_10"
    first, second = scenes.sample(1), again.sample(1)
    assert np.array_equal(first.image, second.image) and np.array_equal(first.region, second.region)

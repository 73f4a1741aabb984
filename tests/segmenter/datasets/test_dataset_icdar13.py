"""ICDAR-2013 segmentation in the release's layout."""

from __future__ import annotations

import logging
import pickle

import numpy as np
import pytest
from small_icdar13 import write_scene
from written import ramp, write_picture, write_text

from segmenter.datasets.icdar13 import Icdar13, splits_in
from segmenter.datasets.icdar13_truth import read_characters, read_word_boxes
from segrec.core.errors import DataError

RED, BLUE, GREEN, GOLD, WHITE = (255, 0, 0), (0, 0, 255), (0, 255, 0), (250, 200, 0), (255, 255, 255)
LIST = '255 0 0 2 2 1 1 2 3 "A"\r\n0 0 255 6 2 5 2 6 4 "b"\r\n\r\n#0 255 0 10 2 9 1 10 3 "c"\r\n\r\n'


def one_image(root, *, listing=LIST, split="Training"):
    """Write 100.jpg of 8 x 16 with four blocks of 3 x 2 pixels: red, blue, green and gold, which no line lists."""
    painted = np.full((8, 16, 3), 255, np.uint8)
    for left, colour in ((1, RED), (5, BLUE), (9, GREEN), (13, GOLD)):
        painted[1:4, left : left + 2] = colour
    write_picture(root / f"Challenge2_{split}_Task12_Images" / "100.jpg", ramp(8, 16))
    write_picture(root / f"Challenge2_{split}_Task2_GT" / "100_GT.bmp", painted)
    if listing is not None:
        write_text(root / f"Challenge2_{split}_Task2_GT" / "100_GT.txt", listing)
    return root


def test_listed_colours_are_text_white_is_not_and_marked_or_unlisted_colours_are_ignored(tmp_path):
    dataset = Icdar13(one_image(tmp_path))
    text = dataset.sample(0).text
    assert len(dataset) == 1 and dataset.name(0) == "100"
    assert text is not None and text[2].tolist() == [0, 255, 255, 0, 0, 255, 255, 0, 0, 128, 128, 0, 0, 128, 128, 0]
    assert not text[0].any() and not text[4:].any()


def test_a_word_is_the_box_around_its_characters_and_ignored_characters_are_ignored_there_too(tmp_path):
    region = Icdar13(one_image(tmp_path)).sample(0).region
    assert region is not None
    expected = np.zeros((8, 16), np.uint8)
    expected[1:5, 1:7] = 255  # of both characters' boxes, last pixels included
    expected[1:4, 9:11] = 128
    # the rasteriser also marks pixels that the outline only touches
    assert (region[expected > 0] == expected[expected > 0]).all()
    assert not region[6:].any() and not region[:, 12:].any() and not region[:, 0].all()


@pytest.mark.parametrize("line", ['38, 1, 40, 3, "Way, out"', '38 1 40 3 "Way out"', "38,1,40,3,Way"])
def test_word_boxes_are_separated_by_spaces_or_by_commas(tmp_path, line):
    found = read_word_boxes(write_text(tmp_path / "gt_100.txt", f"{line}\r\n\r\n"))
    assert [box.tolist() for box in found.words] == [[[38, 1], [41, 1], [41, 4], [38, 4]]] and not found.ignored


def test_boxes_of_words_come_before_those_of_characters_and_unreadable_words_are_ignored(tmp_path):
    root = one_image(tmp_path)
    boxes = '12, 5, 13, 6, "x"\n1, 5, 2, 6, "###"\n'
    write_text(root / "Challenge2_Training_Task1_GT" / "gt_100.txt", boxes)
    dataset = Icdar13(root)
    region = dataset.sample(0).region
    assert region is not None and (region[5:7, 12:14] == 255).all() and (region[5:7, 1:3] == 128).all()
    assert region[2, 1] == 0 and (region[1:4, 9:11] == 128).all()
    assert [path.name for path in dataset.files(0)] == ["100.jpg", "100_GT.bmp", "100_GT.txt", "gt_100.txt"]


def test_without_a_list_every_colour_but_white_is_text_and_regions_are_unknown(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="segrec"):
        dataset = Icdar13(one_image(tmp_path, listing=None, split="Test"), "test")
    sample = dataset.sample(0)
    assert sample.region is None and sample.text is not None and (sample.text[2] == 255).sum() == 8
    assert dataset.without_list == ("100",) and dataset.regions(0) is None
    assert "1 images have no list of characters" in caplog.text


def test_the_names_of_the_test_part_are_read_too(tmp_path):
    painted = np.full((8, 16, 3), 255, np.uint8)
    painted[2, 3] = 0
    write_picture(tmp_path / "Challenge2_Test_Task12_Images" / "img_1.jpg", ramp(8, 16))
    write_picture(tmp_path / "Challenge2_Test_Task2_GT" / "gt_img_1.png", painted)
    text = Icdar13(tmp_path, "test").sample(0).text
    assert text is not None and text.sum() == 255 and text[2, 3] == 255
    write_text(tmp_path / "Challenge2_Test_Task2_GT" / "gt_img_1.txt", '#0 0 0 3 2 3 2 3 2 "i"\n')
    ignored = Icdar13(tmp_path, "test").sample(0).text
    assert ignored is not None and ignored[2, 3] == 128


@pytest.mark.parametrize(
    ("listing", "colours", "words", "ignored"),
    [
        ("", [], 0, 0),
        ('# 1 2 3 0 0 1 1 2 2 "a"\n', [], 0, 1),
        ('1 2 3 0 0 1 1 2 2 " "\n', [], 0, 1),
        ('1 2 3 0 0 1 1 2 2 ""\n', [], 0, 1),
        ('1 2 3 0 0 1 1 2 2 """\n1 2 4 0 0 4 1 5 2 "#"\n', [0x010203, 0x010204], 1, 0),
        ('1 2 3 0.5 0.5 1 1 2 2 "a"\n\n\n1 2 3 0 0 1 1 2 2 "b"\n', [0x010203], 2, 0),
        ('1 2 3 0 0 1 1 2 2 "a"\n#1 2 3 0 0 1 1 2 2 "a"\n', [], 1, 1),
        ("# characters of one picture\n", [], 0, 0),
    ],
)
def test_lists_of_characters_have_blank_marked_and_quoted_lines(tmp_path, listing, colours, words, ignored):
    found = read_characters(write_text(tmp_path / "100_GT.txt", listing))
    assert (found.colours.tolist(), len(found.words), len(found.ignored)) == (colours, words, ignored)


@pytest.mark.parametrize("line", ['1 2 0 0 1 1 2 2 "a"', '300 2 3 0 0 1 1 2 2 "a"', "hello", '1 2 x 0 0 1 1 2 2 "a"'])
def test_a_character_of_another_form_is_named_by_file_and_line(tmp_path, line):
    path = write_text(tmp_path / "100_GT.txt", f"\n{line}\n")
    with pytest.raises(DataError, match=r'100_GT\.txt, line 2: expected R G B x y left top right bottom "c", got '):
        read_characters(path)


@pytest.mark.parametrize("line", ["1 2 3", "1, 2, x, 4, a", "word"])
def test_a_word_box_of_another_form_is_named_by_file_and_line(tmp_path, line):
    path = write_text(tmp_path / "gt_100.txt", f"1 2 3 4 a\n{line}\n")
    with pytest.raises(DataError, match=r"gt_100\.txt, line 2: expected left, top, right, bottom, "):
        read_word_boxes(path)


def test_images_and_ground_truth_without_the_other_are_left_out_and_counted(tmp_path, caplog):
    root = one_image(tmp_path)
    write_picture(root / "Challenge2_Training_Task12_Images" / "101.jpg", ramp(8, 16))
    write_picture(root / "Challenge2_Training_Task2_GT" / "99_GT.bmp", ramp(8, 16))
    with caplog.at_level(logging.WARNING, logger="segrec"):
        dataset = Icdar13(root)
    assert len(dataset) == 1
    assert dataset.holes.without_truth == ("101",) and dataset.holes.without_image == ("99",)
    assert "1 names without ground truth are left out, the first is 101" in caplog.text


def test_a_root_of_another_layout_is_told_the_files_that_were_expected(tmp_path):
    expected = r"segmentation train set; expected Challenge2_Training_Task12_Images/100\.jpg with .*100_GT\.bmp"
    with pytest.raises(DataError, match=expected):
        Icdar13(tmp_path)
    write_picture(tmp_path / "Challenge2_Training_Task12_Images" / "1.jpg", ramp(4, 4))
    write_picture(tmp_path / "Challenge2_Training_Task2_GT" / "2_GT.bmp", ramp(4, 4))
    with pytest.raises(DataError, match=r"none of 1 images has ground truth; expected <image>_GT\.bmp"):
        Icdar13(tmp_path)


def test_painted_characters_of_another_size_are_refused(tmp_path):
    root = one_image(tmp_path)
    write_picture(root / "Challenge2_Training_Task2_GT" / "100_GT.bmp", ramp(8, 15))
    with pytest.raises(DataError, match=r"100_GT\.bmp is 15 x 8 pixels but its image .*100\.jpg is 16 x 8"):
        Icdar13(root).sample(0)


def test_a_picture_of_words_is_read_in_full_and_survives_pickling(tmp_path):
    write_scene(tmp_path, "100")
    write_scene(tmp_path, "img_1", split="Test")
    dataset = pickle.loads(pickle.dumps(Icdar13(tmp_path)))
    sample = dataset.sample(0)
    regions = dataset.regions(0)
    assert regions is not None and len(regions.words) == 3 and not regions.ignored
    assert sample.text is not None and (sample.text == 255).mean() > 0.02 and not (sample.text == 128).any()
    assert sample.region is not None and (sample.region[sample.text == 255] == 255).all()
    assert splits_in(tmp_path) == ["train", "test"] and splits_in(tmp_path / "absent") == []

"""MLT in the layouts of 2017 and 2019, with and without the text masks of MLT_S."""

from __future__ import annotations

import logging
import pickle

import numpy as np
import pytest
from written import block, ramp, write_picture, write_text

from segmenter.datasets import open_dataset
from segmenter.datasets.mlt import Mlt
from segrec.core.errors import DataError

LINES = "2,1,6,1,6,4,2,4,Latin,a,b\r\n10,1,14,1,14,4,10,4,Arabic,###\r\n"
TRUTH = "ch8_training_localization_transcription_gt_v2"


def write_set(root, lines=LINES):
    """Write img_2 and img_10 of 2017's training part in two folders."""
    for folder, stem in (("ch8_training_images_1", "img_10"), ("ch8_training_images_2", "img_2")):
        write_picture(root / folder / f"{stem}.jpg", ramp(8, 16))
        write_text(root / TRUTH / f"gt_{stem}.txt", lines, encoding="utf-8-sig")
    return root


def test_words_are_regions_whatever_commas_they_hold_and_unreadable_ones_are_ignored(tmp_path):
    dataset = Mlt(write_set(tmp_path))
    sample = dataset.sample(0)
    assert [dataset.name(position) for position in range(len(dataset))] == ["img_2", "img_10"]
    assert sample.text is None and sample.region is not None
    assert sample.region[2, [0, 4, 12]].tolist() == [0, 255, 128]


def test_text_masks_come_from_mlt_s_where_it_has_the_image(tmp_path):
    root = write_set(tmp_path)
    labels = block(8, 16, slice(1, 3), slice(2, 5), 1)
    labels[7] = 255
    write_picture(root / "MLT_S_labels" / "training_labels" / "img_10.png", labels)
    dataset = Mlt(root)
    text = dataset.sample(1).text
    assert dataset.sample(0).text is None and text is not None
    assert (text == np.where(labels == 1, 255, np.where(labels == 255, 128, 0))).all()


def test_the_validation_part_has_numbers_and_masks_of_its_own(tmp_path):
    root = write_set(tmp_path)
    write_picture(root / "ch8_validation_images" / "img_2.png", ramp(6, 6))
    write_text(root / "ch8_validation_localization_transcription_gt_v2" / "gt_img_2.txt", "")
    write_picture(root / "MLT_S_labels" / "validation_labels" / "img_2.png", block(6, 6, slice(0, 6), slice(0, 6), 1))
    write_picture(root / "MLT_S_labels" / "training_labels" / "img_2.png", block(8, 16, slice(0, 1), slice(0, 1), 1))
    sample = Mlt(root, "val").sample(0)
    assert sample.text is not None and sample.text.shape == (6, 6) and (sample.text == 255).all()
    assert sample.region is not None and not sample.region.any()


def test_the_layout_of_2019_is_read_as_the_training_part(tmp_path):
    write_picture(tmp_path / "ImagesPart1" / "tr_img_00001.jpg", ramp(8, 16))
    write_picture(tmp_path / "ImagesPart2" / "tr_img_05001.png", ramp(8, 16))
    for stem in ("tr_img_00001", "tr_img_05001"):
        write_text(tmp_path / "train_gt_t13" / f"{stem}.txt", LINES)
    dataset = Mlt(tmp_path)
    region = dataset.sample(1).region
    assert dataset.name(1) == "tr_img_05001" and region is not None and region[2, 4] == 255


def test_an_image_with_an_exif_orientation_keeps_the_frame_of_its_boxes(tmp_path):
    root = write_set(tmp_path)
    write_picture(root / "ch8_training_images_2" / "img_2.jpg", ramp(8, 16), orientation=6)
    assert Mlt(root).sample(0).image.shape == (8, 16, 3)


def test_images_and_ground_truth_without_the_other_are_left_out_and_counted(tmp_path, caplog):
    root = write_set(tmp_path)
    write_picture(root / "ch8_training_images_1" / "img_3.jpg", ramp(4, 4))
    write_text(root / TRUTH / "gt_img_9.txt", LINES)
    with caplog.at_level(logging.WARNING, logger="segrec"):
        dataset = Mlt(root)
    assert len(dataset) == 2
    assert dataset.holes.without_truth == ("img_3",) and dataset.holes.without_image == ("img_9",)
    assert caplog.text.count("1 names without") == 2


@pytest.mark.parametrize("line", ["1,1,5,1,5,5,1,5,Latin", "1,1,5,1,5,5,1,x,Latin,A", "A"])
def test_a_line_of_another_form_is_named_by_file_and_number(tmp_path, line):
    dataset = Mlt(write_set(tmp_path, f"{LINES}{line}\n"))
    with pytest.raises(DataError, match=r"gt_img_2\.txt, line 3: expected "):
        dataset.sample(0)


def test_a_root_of_another_layout_is_told_what_was_expected(tmp_path):
    with pytest.raises(DataError, match=r"is not an MLT val set; expected ch8_validation_images/img_1\.jpg with ch8_"):
        Mlt(write_set(tmp_path), "val")
    write_picture(tmp_path / "ch8_training_images_2" / "img_10.png", ramp(4, 4))
    with pytest.raises(DataError, match=r"img_10\.png and .*img_10\.jpg share a stem"):
        Mlt(tmp_path)


def test_a_reader_survives_pickling(tmp_path):
    dataset = Mlt(write_set(tmp_path))
    assert np.array_equal(pickle.loads(pickle.dumps(dataset)).sample(1).region, dataset.sample(1).region)


def test_mlt_s_is_chosen_by_a_rule_in_both_parts_and_says_that_it_is_not_as_published(tmp_path, caplog):
    root = write_set(tmp_path)
    write_text(root / TRUTH / "gt_img_2.txt", "2,1,6,1,6,4,2,4,Latin,###\r\n2,1,6,1,6,4,2,4,Korean,a\r\n")
    write_picture(root / "ch8_validation_images" / "img_2.png", ramp(6, 6))
    write_text(root / "ch8_validation_localization_transcription_gt_v2" / "gt_img_2.txt", LINES)
    with caplog.at_level(logging.WARNING):
        dataset = open_dataset("mlt-s", root)
    assert [dataset.name(position) for position in range(len(dataset))] == ["train/img_10", "val/img_2"]
    assert dataset.sample(1).image.shape == (6, 6, 3)
    assert "2 pictures of MLT-S, chosen by rule (a legible Latin word); published are 6896" in caplog.text


def test_mlt_s_is_what_its_labels_or_its_lists_name(tmp_path):
    root = write_set(tmp_path)
    write_picture(root / "MLT_S_labels" / "training_labels" / "img_10.png", block(8, 16, slice(1, 3), slice(2, 5), 1))
    dataset = open_dataset("mlt-s", root)
    assert [dataset.name(position) for position in range(len(dataset))] == ["train/img_10"]
    assert dataset.sample(0).text is not None
    write_text(root / "MLT_S_train.txt", "img_2.jpg\n")
    assert open_dataset("mlt-s", root).name(0) == "train/img_2"
    write_text(root / "MLT_S_train.txt", "img_77.jpg\n")
    with pytest.raises(DataError, match="holds no picture of MLT-S, chosen by list"):
        open_dataset("mlt-s", root)

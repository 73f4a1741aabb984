"""COCO-Text with and without the text masks of COCO_TS."""

from __future__ import annotations

import json
import logging
import pickle

import numpy as np
import pytest
from PIL import Image
from written import block, ramp, write_picture, write_text

from segmenter.datasets import open_dataset
from segmenter.datasets.coco_text import CocoText
from segrec.core.errors import DataError


def picture_name(number: int) -> str:
    return f"COCO_train2014_{number:012d}"


def annotation(image: int, mask: list[float], legibility: str = "legible", **more: object) -> dict[str, object]:
    return {"image_id": image, "mask": mask, "legibility": legibility, "language": "english"} | more


def write_set(root, annotations, splits=None, pictures=(1, 2)):
    """Write the annotations and the pictures of 8 x 16."""
    splits = splits or {1: "train", 2: "train", 3: "val"}
    images = {
        str(number): {"id": number, "set": split, "file_name": f"{picture_name(number)}.jpg", "width": 16, "height": 8}
        for number, split in splits.items()
    }
    anns = {str(40 + number): row for number, row in enumerate(annotations)}
    write_text(root / "cocotext.v2.json", json.dumps({"info": {}, "imgs": images, "anns": anns, "imgToAnns": {}}))
    for number in pictures:
        write_picture(root / "train2014" / f"{picture_name(number)}.jpg", ramp(8, 16))
    return root


SQUARE = [2, 1, 6, 1, 6, 4, 2, 4]


def test_legible_text_is_a_region_and_other_text_is_ignored(tmp_path):
    rows = [
        annotation(1, SQUARE),
        annotation(1, [10, 1, 14, 1, 14, 4, 12, 5, 10, 4], "illegible"),
        annotation(2, SQUARE),
    ]
    dataset = CocoText(write_set(tmp_path, rows))
    sample = dataset.sample(0)
    assert len(dataset) == 2 and dataset.name(0) == picture_name(1)
    assert sample.text is None and sample.region is not None
    assert sample.region[2, [0, 4, 12]].tolist() == [0, 255, 128]


def test_splits_are_told_apart_by_the_annotations(tmp_path):
    root = write_set(tmp_path, [annotation(1, SQUARE), annotation(3, SQUARE)], pictures=(1, 3))
    assert [CocoText(root, split).name(0) for split in ("train", "val")] == [picture_name(1), picture_name(3)]


@pytest.mark.parametrize("mode", ["L", "P"])
def test_labels_of_coco_ts_are_class_numbers_whatever_their_palette(tmp_path, mode):
    root = write_set(tmp_path, [annotation(1, SQUARE), annotation(2, SQUARE)])
    classes = block(8, 16, slice(1, 3), slice(2, 6), 1)
    classes[6, 0] = 255
    label = Image.fromarray(classes)
    if mode == "P":
        label.putpalette([value for index in range(256) for value in (index * 7 % 256, 255 - index, 90)])
    (root / "COCO_TS_labels").mkdir()
    label.save(root / "COCO_TS_labels" / f"{picture_name(1)}.png")
    dataset = CocoText(root)
    text = dataset.sample(0).text
    assert text is not None and (text == np.where(classes == 1, 255, np.where(classes == 255, 128, 0))).all()
    assert dataset.sample(1).text is None


def test_a_label_of_another_class_or_form_or_size_is_refused(tmp_path):
    root = write_set(tmp_path, [annotation(1, SQUARE)])
    label = root / "COCO_TS_labels" / f"{picture_name(1)}.png"
    write_picture(label, block(8, 16, slice(1, 3), slice(2, 6), 7))
    dataset = CocoText(root)
    with pytest.raises(DataError, match=r"\.png holds the class 7; expected 0 = background, 1 = text, 255 = uncertain"):
        dataset.sample(0)
    write_picture(label, ramp(8, 16))
    with pytest.raises(DataError, match=r"\.png: expected one 8-bit class number per pixel, got the mode RGB"):
        dataset.sample(0)
    write_picture(label, block(8, 15, slice(0, 1), slice(0, 1), 1))
    with pytest.raises(DataError, match=r"\.png is 15 x 8 pixels but its image .*\.jpg is 16 x 8"):
        dataset.sample(0)
    label.write_bytes(label.read_bytes()[:40])
    with pytest.raises(DataError, match=r"cannot read the labels .*\.png"):
        dataset.sample(0)


def test_pictures_without_text_absent_pictures_and_stray_annotations_are_left_out_and_counted(tmp_path, caplog):
    rows = [annotation(1, SQUARE), annotation(4, SQUARE), annotation(77, SQUARE)]
    with caplog.at_level(logging.WARNING, logger="segrec"):
        dataset = CocoText(write_set(tmp_path, rows, {1: "train", 2: "train", 4: "train"}))
    assert len(dataset) == 1
    assert dataset.holes.without_truth == (f"{picture_name(2)}.jpg",)
    assert dataset.holes.without_image == ("77", f"{picture_name(4)}.jpg")
    assert "2 names without an image are left out" in caplog.text


def test_a_mask_of_less_than_three_points_gives_way_to_the_box(tmp_path):
    rows = [annotation(1, [2, 1, 6, 1], bbox=[2, 1, 4, 3]), annotation(2, [-9, -9, 99, -9, 99, 99])]
    dataset = CocoText(write_set(tmp_path, rows))
    region = dataset.sample(0).region
    assert region is not None and (region[1:4, 2:6] == 255).all() and not region[:, 8:].any()
    outside = dataset.sample(1).region
    assert outside is not None and (outside == 255).any()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"legibility": "legible", "mask": SQUARE}, "annotation 40: expected image_id and legibility"),
        (annotation(1, [1, 2, 3, 4, 5, "x"]), "annotation 40: expected coordinates"),
        (annotation(1, [1, 2, 3, 4, 5, 6, 7]), "annotation 40: expected x and y of at least three points"),
        (annotation(1, [1, 2]), "annotation 40: expected mask with x and y of at least three points"),
        ([1, 2], "annotation 40: expected image_id and legibility"),
    ],
)
def test_a_malformed_annotation_is_named(tmp_path, row, message):
    with pytest.raises(DataError, match=rf"cocotext\.v2\.json, {message}"):
        CocoText(write_set(tmp_path, [row]))


def test_a_root_or_file_of_another_form_is_told_what_was_expected(tmp_path):
    with pytest.raises(DataError, match=r"is not COCO-Text; expected cocotext\.v2\.json and train2014/COCO_train2014_"):
        CocoText(tmp_path)
    root = write_set(tmp_path, [annotation(1, SQUARE)], pictures=(2,))
    with pytest.raises(DataError, match=r"none of 1 images has ground truth"):
        CocoText(root)
    write_text(root / "cocotext.v2.json", "[1, 2]")
    with pytest.raises(DataError, match=r"cocotext\.v2\.json: expected the objects imgs"):
        CocoText(root)
    write_text(root / "cocotext.v2.json", "{")
    with pytest.raises(DataError, match=r"cocotext\.v2\.json is not valid JSON"):
        CocoText(root)


def test_a_reader_survives_pickling(tmp_path):
    dataset = CocoText(write_set(tmp_path, [annotation(2, SQUARE)]))
    assert np.array_equal(pickle.loads(pickle.dumps(dataset)).sample(0).region, dataset.sample(0).region)


PRINTED = {"class": "machine printed"}


def four_pictures(root):
    """One clear, one handwritten, one foreign, and a clear one of the validation part."""
    rows = [annotation(1, SQUARE, **PRINTED), annotation(2, SQUARE, **{"class": "handwritten"})]
    rows += [annotation(3, SQUARE, **PRINTED), annotation(4, SQUARE, **PRINTED)]
    rows[2]["language"] = "not english"
    return write_set(root, rows, {1: "train", 2: "train", 3: "train", 4: "val"}, pictures=(1, 2, 3, 4))


def names(dataset) -> list[str]:
    return [dataset.name(position) for position in range(len(dataset))]


def test_coco_ts_is_chosen_by_a_rule_in_both_parts_and_says_that_it_is_not_as_published(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert names(open_dataset("coco-ts", four_pictures(tmp_path))) == [picture_name(1), picture_name(4)]
    assert "2 pictures of COCO-TS, chosen by rule (legible, printed, English); published are 14690" in caplog.text


def test_coco_ts_is_what_its_labels_or_its_list_name(tmp_path):
    root = four_pictures(tmp_path)
    write_picture(root / "COCO_TS_labels" / f"{picture_name(2)}.png", block(8, 16, slice(1, 2), slice(1, 2), 1))
    assert names(open_dataset("coco-ts", root)) == [picture_name(2)]
    write_text(root / "COCO_TS.txt", f"{picture_name(3)}.jpg\n\n{picture_name(4)}\n")
    assert names(open_dataset("coco-ts", root)) == [picture_name(3), picture_name(4)]
    write_text(root / "COCO_TS.txt", "\n")
    with pytest.raises(DataError, match=r"COCO_TS\.txt names no picture; write one per line, or delete it"):
        open_dataset("coco-ts", root)
    write_text(root / "COCO_TS.txt", "another.jpg")
    with pytest.raises(DataError, match="holds no picture of COCO-TS, chosen by list"):
        open_dataset("coco-ts", root)

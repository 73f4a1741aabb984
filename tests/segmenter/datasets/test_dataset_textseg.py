"""TextSeg in the release's layout."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from PIL import Image
from written import block, ramp, write_picture, write_text

from segmenter.datasets.textseg import TextSeg, read_words
from segrec.core.errors import DataError

WORD = {"text": "ab", "bbox": [2, 1, 8, 1, 8, 5, 2, 5], "char": {"00": {"text": "a", "bbox": [2, 1, 4, 5]}}}
SPLIT = {"train": ["a2", "a1"], "val": ["a3"], "test": ["a4"]}


def labels():
    """Return 100 (word) in columns 3 and 4, 200 (effect) in 5, 255 (ignore) in 6 and 11."""
    label = block(8, 12, slice(2, 4), slice(3, 5), 100)
    label[2:4, 5], label[2:4, 6], label[2:4, 11] = 200, 255, 255
    return label


def write(root, *, split=True, annotation="annotation"):
    for name in ("a1", "a2", "a3", "a4"):
        write_picture(root / "image" / f"{name}.jpg", ramp(8, 12))
        write_picture(root / "semantic_label" / f"{name}_maskfg.png", labels())
        if annotation:
            write_text(root / annotation / f"{name}_anno.json", json.dumps({"0000": WORD}))
    if split:
        write_text(root / "split.json", json.dumps(SPLIT))
    return root


def test_words_are_text_effects_are_background_and_unknown_is_ignored(tmp_path):
    text = TextSeg(write(tmp_path)).sample(0).text
    assert text is not None and text[2].tolist() == [0, 0, 0, 255, 255, 0, 128, 0, 0, 0, 0, 128]


def test_regions_are_the_polygons_of_words_and_ignore_what_is_unknown_outside_them(tmp_path):
    region = TextSeg(write(tmp_path)).sample(0).region
    assert region is not None and region[2, [0, 3, 6, 10, 11]].tolist() == [0, 255, 255, 0, 128]


def test_the_split_file_says_which_images_and_their_order(tmp_path):
    root = write(tmp_path)
    assert [TextSeg(root).name(position) for position in (0, 1)] == ["a2", "a1"]
    assert TextSeg(root, "val").name(0) == "a3" and len(TextSeg(root, "test")) == 1


def test_all_images_need_no_split_file(tmp_path):
    pictures = TextSeg(write(tmp_path, split=False), "all")
    assert [pictures.name(position) for position in range(len(pictures))] == ["a1", "a2", "a3", "a4"]


def test_without_annotations_the_region_mask_is_none(tmp_path):
    write(tmp_path)
    (tmp_path / "annotation/a1_anno.json").unlink()
    assert TextSeg(tmp_path).sample(1).region is None and TextSeg(tmp_path).sample(0).region is not None
    assert TextSeg(write(tmp_path / "bare", annotation="")).sample(0).region is None


def test_the_older_name_of_the_annotations_folder_is_known(tmp_path):
    assert TextSeg(write(tmp_path, annotation="bpoly_label")).sample(0).region is not None


def test_a_label_stored_as_palette_indices_reads_as_its_indices(tmp_path):
    write(tmp_path)
    picture = Image.fromarray(labels(), mode="L").convert("P")
    picture.putdata(labels().ravel().tolist())
    picture.putpalette([value for index in range(256) for value in (index // 2, 7, 255 - index)])
    picture.save(tmp_path / "semantic_label/a2_maskfg.png")
    text = TextSeg(tmp_path).sample(0).text
    assert text is not None and text[2, 3] == 255 and text[2, 6] == 128


def test_an_image_with_an_exif_orientation_keeps_the_frame_of_its_label(tmp_path):
    write(tmp_path)
    write_picture(tmp_path / "image/a2.jpg", ramp(8, 12), orientation=6)
    assert TextSeg(tmp_path).sample(0).image.shape == (8, 12, 3)


def test_a_missing_folder_split_image_or_label_is_named(tmp_path):
    with pytest.raises(
        DataError, match=r"expected semantic_label/a00001_maskfg\.png beside image/a00001\.jpg; see the"
    ):
        TextSeg(tmp_path)
    write(tmp_path, split=False)
    with pytest.raises(DataError, match=r"cannot read .*split\.json"):
        TextSeg(tmp_path)
    write_text(tmp_path / "split.json", json.dumps({"train": []}))
    with pytest.raises(DataError, match=r"split\.json has no split 'train'; expected \{'train': \[ids\]"):
        TextSeg(tmp_path)
    write_text(tmp_path / "split.json", json.dumps({"train": ["a9"]}))
    with pytest.raises(DataError, match=r"split\.json names a9, but .*image/a9\.jpg is not there"):
        TextSeg(tmp_path)
    (tmp_path / "semantic_label/a3_maskfg.png").unlink()
    with pytest.raises(DataError, match=r"a3\.jpg has no label; expected .*semantic_label/a3_maskfg\.png"):
        TextSeg(tmp_path, "all")


def test_a_label_of_another_size_or_value_is_refused(tmp_path):
    write(tmp_path)
    write_picture(tmp_path / "semantic_label/a2_maskfg.png", labels()[:, :-1])
    with pytest.raises(DataError, match=r"a2_maskfg\.png is 11 x 8 pixels but its image .*a2\.jpg is 12 x 8"):
        TextSeg(tmp_path).sample(0)
    write_picture(tmp_path / "semantic_label/a1_maskfg.png", labels() // 100)
    with pytest.raises(DataError, match=r"a1_maskfg\.png holds the class 1; expected 0 = background, 100 = word, 200"):
        TextSeg(tmp_path).sample(1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", r"holds no words"),
        ('{"0": {"text": "a"}}', r"word 0: expected a 'bbox' of x1, y1, x2, y2, \.\.\., got None"),
        ('{"7": {"bbox": [1, 2, 3]}}', r"word 7: expected x and y of at least three points"),
        ("{", r"is not valid JSON"),
    ],
)
def test_an_annotation_of_another_form_is_named(tmp_path, content, message):
    with pytest.raises(DataError, match=rf"a_anno\.json,? {message}"):
        read_words(write_text(tmp_path / "a_anno.json", content))


def test_a_reader_survives_pickling_and_reads_the_same(tmp_path):
    pictures = TextSeg(write(tmp_path))
    again = pickle.loads(pickle.dumps(pictures))
    assert again.name(0) == "a2" and np.array_equal(again.sample(0).region, pictures.sample(0).region)

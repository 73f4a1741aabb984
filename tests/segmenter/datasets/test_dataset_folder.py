"""A folder of the user's own pictures and masks."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from written import block, ramp, write_picture

from segmenter.datasets.folder import MaskedFolder
from segrec.core.errors import DataError

TEXT, REGION = block(8, 12, slice(2, 4), slice(3, 9)), block(8, 12, slice(1, 6), slice(2, 10))


def write(root, *, images="images", text="text", region="region", stems=("b", "a2", "a10")):
    for stem in stems:
        write_picture(root / images / f"{stem}.jpg", ramp(8, 12))
        for folder, mask in ((text, TEXT), (region, REGION)):
            if folder:
                write_picture(root / folder / f"{stem}.png", mask)
    return root


@pytest.mark.parametrize(("images", "text", "region"), [("images", "text", "region"), ("img", "mask", "regions")])
def test_pictures_come_with_both_masks_under_either_name_of_the_folders(tmp_path, images, text, region):
    folder = MaskedFolder(write(tmp_path, images=images, text=text, region=region))
    assert [folder.name(position) for position in range(len(folder))] == ["a2", "a10", "b"]
    sample = folder.sample(0)
    assert np.array_equal(sample.text, TEXT) and np.array_equal(sample.region, REGION)
    assert folder.without_text == folder.without_region == ()


def test_a_picture_may_lack_one_of_the_masks_which_is_then_none_and_listed(tmp_path):
    write(tmp_path)
    (tmp_path / "region" / "a10.png").unlink()
    (tmp_path / "text" / "b.png").unlink()
    folder = MaskedFolder(tmp_path)
    assert (folder.without_region, folder.without_text) == (("a10",), ("b",))
    assert folder.sample(1).region is None and folder.sample(2).text is None


def test_one_kind_of_mask_is_enough(tmp_path):
    folder = MaskedFolder(write(tmp_path, region="", stems=("a",)))
    assert folder.without_region == ("a",) and folder.sample(0).region is None
    folder = MaskedFolder(write(tmp_path / "other", text="", stems=("a",)))
    assert folder.without_text == ("a",) and folder.sample(0).text is None


def test_ignored_pixels_stay_ignored(tmp_path):
    write(tmp_path, stems=("a",))
    write_picture(tmp_path / "text" / "a.png", TEXT // 255 * 128)
    text = MaskedFolder(tmp_path).sample(0).text
    assert text is not None and set(np.unique(text)) == {0, 128}


def test_a_turned_picture_and_the_mask_of_the_upright_one_fit(tmp_path):
    write(tmp_path, stems=("a",))
    write_picture(tmp_path / "images" / "a.jpg", ramp(12, 8), orientation=6)
    sample = MaskedFolder(tmp_path).sample(0)
    assert sample.image.shape == (8, 12, 3) and sample.text is not None and sample.text.shape == (8, 12)


def test_a_picture_without_any_mask_is_named_with_what_it_needs(tmp_path):
    write(tmp_path)
    for kind in ("text", "region"):
        (tmp_path / kind / "b.png").unlink()
    with pytest.raises(
        DataError, match=r"b\.jpg has no mask \(1 of 3 pictures have none\); expected .*b\.png in .*text"
    ):
        MaskedFolder(tmp_path)


def test_a_mask_without_a_picture_is_refused(tmp_path):
    write(tmp_path)
    write_picture(tmp_path / "text" / "b_mask.png", TEXT)
    with pytest.raises(DataError, match=r"b_mask\.png has no picture; expected one of the stem b_mask in .*images"):
        MaskedFolder(tmp_path)


def test_a_folder_of_another_layout_is_refused_with_the_expected_one(tmp_path):
    write_picture(tmp_path / "images" / "a.jpg", ramp(8, 12))
    with pytest.raises(DataError, match=r"is not a folder of pictures with masks; expected images/ or img/ with text/"):
        MaskedFolder(tmp_path)


def test_a_mask_of_another_size_is_refused_when_it_is_read(tmp_path):
    write(tmp_path, stems=("a",))
    write_picture(tmp_path / "text" / "a.png", TEXT[:, :-1])
    with pytest.raises(DataError, match=r"a\.png is 11 x 8 pixels but its image .*a\.jpg is 12 x 8"):
        MaskedFolder(tmp_path).sample(0)


def test_a_damaged_mask_is_named(tmp_path):
    write(tmp_path, stems=("a",))
    (tmp_path / "region" / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"region.a\.png: the image cannot be decoded"):
        MaskedFolder(tmp_path).sample(0)


def test_a_reader_survives_pickling_and_reads_the_same(tmp_path):
    folder = MaskedFolder(write(tmp_path))
    again = pickle.loads(pickle.dumps(folder))
    assert again.name(2) == "b" and np.array_equal(again.sample(2).image, folder.sample(2).image)

"""Total-Text in the layouts of its archives."""

from __future__ import annotations

import logging
import pickle
import sys

import numpy as np
import pytest
from scipy.io import savemat
from written import block, ramp, write_picture, write_text

from segmenter.datasets.totaltext import TotalText
from segmenter.datasets.totaltext_truth import read_polygons
from segrec.core.errors import DataError, LibraryError

TEXT, REGION = block(16, 24, slice(4, 8), slice(8, 16)), block(16, 24, slice(2, 10), slice(4, 20))
LINE = "x: [[4 20 20  4]], y: [[ 2  2 10 10]], ornt: [u'h'], transcriptions: [u'PAUL']\n"


def write(root, *, part="Train", images="Images", pixels="groundtruth_pixel", names=("img1.jpg", "img61.JPG")):
    for name in names:
        write_picture(root / images / part / name, ramp(16, 24))
        write_picture(root / pixels / part / name, TEXT)
    return root


def cells(rows):
    """Return the table of cells that the release's MATLAB files hold."""
    table = np.empty((len(rows), 6), object)
    for number, (across, down, text, orientation) in enumerate(rows):
        values = ["x:", np.array(across, np.int16), "y:", np.array(down, np.int16), text, orientation]
        for column, value in enumerate(values):
            table[number, column] = value
    return table


def write_cells(path, rows, key="polygt"):
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {key: cells(rows)})
    return path


def test_pixel_masks_are_jpeg_and_cut_over_127_and_a_capital_suffix_is_found(tmp_path):
    photographs = TotalText(write(tmp_path))
    assert [photographs.name(position) for position in range(len(photographs))] == ["img1", "img61"]
    text = photographs.sample(1).text
    assert text is not None and set(np.unique(text)) == {0, 255}
    assert np.array_equal(text, TEXT)


def test_the_mask_of_a_capital_suffix_may_have_a_small_one_and_the_other_way_round(tmp_path):
    write(tmp_path, names=("img61.JPG",))
    (tmp_path / "groundtruth_pixel/Train/img61.JPG").rename(tmp_path / "groundtruth_pixel/Train/img61.jpg")
    assert TotalText(tmp_path).sample(0).text is not None


def test_train_and_test_are_kept_apart(tmp_path):
    write(tmp_path)
    write(tmp_path, part="Test", names=("img5.jpg",))
    assert len(TotalText(tmp_path, "train")) == 2 and TotalText(tmp_path, "test").name(0) == "img5"


@pytest.mark.parametrize(("images", "prefix"), [("totaltext/Images", ""), (".", "Annotation/")])
def test_the_archives_may_lie_as_they_unpack(tmp_path, images, prefix):
    write(tmp_path, images=images, pixels=f"{prefix}groundtruth_pixel")
    for stem in ("img1", "img61"):
        write_picture(tmp_path / f"{prefix}groundtruth_textregion" / "Train" / f"{stem}.png", REGION)
    assert np.array_equal(TotalText(tmp_path).sample(1).region, REGION)


def test_region_masks_come_before_polygons(tmp_path):
    write(tmp_path)
    for stem in ("img1", "img61"):
        write_picture(tmp_path / "groundtruth_textregion/Text_Region_Mask/Train" / f"{stem}.png", REGION > 0)
        write_text(tmp_path / "Polygon/Train" / f"poly_gt_{stem}.txt", "")
    assert np.array_equal(TotalText(tmp_path).sample(0).region, REGION)


def test_polygons_stand_in_for_region_masks_and_unreadable_words_are_ignored(tmp_path):
    write(tmp_path, names=("img1.jpg",))
    unreadable = "x: [[0 3 3 0]], y: [[12 12 15 15]], ornt: [u'#'], transcriptions: [u'#']\n"
    write_text(tmp_path / "groundtruth_polygonal_annotation/Train/poly_gt_img1.txt", LINE + unreadable)
    region = TotalText(tmp_path).sample(0).region
    assert region is not None and (region[[5, 13, 13], [12, 1, 12]] == [255, 128, 0]).all()


def test_matlab_polygons_are_read_and_text_files_are_preferred(tmp_path):
    write(tmp_path, names=("img1.jpg",))
    folder = tmp_path / "Groundtruth/Polygon/Train"
    write_cells(folder / "poly_gt_img1.mat", [([4, 20, 20, 4], [2, 2, 10, 10], "PAUL", "h")])
    region = TotalText(tmp_path).sample(0).region
    assert region is not None and region[5, 12] == 255
    write_text(folder / "poly_gt_img1.txt", "")
    region = TotalText(tmp_path).sample(0).region
    assert region is not None and not region.any()


def test_without_regions_the_region_mask_is_none_and_the_log_says_so(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert TotalText(write(tmp_path)).sample(0).region is None
    assert "has neither groundtruth_textregion/Text_Region_Mask nor" in caplog.text


def test_an_entry_wrapped_over_lines_is_one_entry(tmp_path):
    text = LINE + "x: [[1 2 3\n 4 5]], y: [[10 20\n 30 40 50]], ornt: [u'c'], transcriptions: [u'two\n words']\n" + LINE
    words = read_polygons(write_text(tmp_path / "poly_gt_img1.txt", text)).words
    assert [len(word) for word in words] == [4, 5, 4]
    assert words[1].tolist() == [[1, 10], [2, 20], [3, 30], [4, 40], [5, 50]]


@pytest.mark.parametrize("text", ["u'#'", "'###'", 'u"#"'])
def test_a_transcription_of_hashes_is_ignored_with_any_quotes(tmp_path, text):
    line = f"x: [[4 20 20 4]], y: [[2 2 10 10]], ornt: [u'h'], transcriptions: [{text}]\n"
    found = read_polygons(write_text(tmp_path / "a.txt", line))
    assert len(found.ignored) == 1 and not found.words


@pytest.mark.parametrize("text", ['u"Joe\'s"', "u'a]b'", "u'#1'", "u'x, y: [[1]]'", "u'\u00e9'"])
def test_an_odd_transcription_is_a_word(tmp_path, text):
    found = read_polygons(write_text(tmp_path / "a.txt", LINE.replace("u'PAUL'", text) + LINE))
    assert len(found.words) == 2 and not found.ignored


def test_an_empty_orientation_is_a_word_in_either_format(tmp_path):
    lines = "".join(LINE.replace("[u'h']", orientation) for orientation in ("[]", "[u'']"))
    assert len(read_polygons(write_text(tmp_path / "a.txt", lines)).words) == 2
    row = ([4, 20, 20, 4], [2, 2, 10, 10], "DIENST", np.array([], "U1"))
    assert len(read_polygons(write_cells(tmp_path / "a.mat", [row])).words) == 1


def test_matlab_entries_that_are_unreadable_or_enclose_nothing_are_told_from_words(tmp_path):
    rows = [
        ([1, 5, 5], [1, 1, 5], "A", "c"),
        ([1, 5, 5], [1, 1, 5], "#", "#"),
        ([1, 5, 5], [1, 1, 5], "x", "#"),
        ([7], [7], "#", "#"),
    ]
    found = read_polygons(write_cells(tmp_path / "a.mat", rows))
    assert (len(found.words), len(found.ignored)) == (1, 2)


def test_the_refined_files_of_the_annotation_tool_are_read(tmp_path):
    write(tmp_path, names=("img1.jpg",))
    column = (np.array([[4], [20], [20], [4]]), np.array([[2], [2], [10], [10]]), "kel", "h")
    write_cells(tmp_path / "Polygon/Train/gt_img1.mat", [column], key="gt")
    region = TotalText(tmp_path).sample(0).region
    assert region is not None and region[5, 12] == 255


def test_polygons_keep_the_frame_of_the_stored_pixels(tmp_path):
    write(tmp_path, names=("img1.jpg",))
    write_picture(tmp_path / "Images/Train/img1.jpg", ramp(16, 24), orientation=8)
    assert TotalText(tmp_path).sample(0).image.shape == (16, 24, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PAUL\n", r"entry 1: expected x: \[\[\.\.\.\]\], y: .* got 'PAUL'"),
        (LINE + "x: [[1 2 3]], ornt: [u'c']\n", r"entry 2: expected x: "),
        (LINE.replace("4 20 20  4", "4 20 20"), r"entry 1 has 3 values of x and 4 of y"),
        (LINE.replace("4 20 20  4", "4 20 20 q"), r"entry 1: expected coordinates"),
    ],
)
def test_an_entry_of_another_form_is_named(tmp_path, text, message):
    with pytest.raises(DataError, match=rf"poly_gt_img1\.txt, {message}"):
        read_polygons(write_text(tmp_path / "poly_gt_img1.txt", text))


def test_a_matlab_file_that_is_none_or_holds_another_table_is_refused(tmp_path):
    (tmp_path / "a.mat").write_bytes(b"no matlab file" * 20)
    with pytest.raises(DataError, match=r"a\.mat is not a readable MATLAB file"):
        read_polygons(tmp_path / "a.mat")
    savemat(tmp_path / "b.mat", {"rectgt": np.zeros(3)})
    with pytest.raises(DataError, match=r"b\.mat has no table of cells named polygt or gt; it holds rectgt"):
        read_polygons(tmp_path / "b.mat")


def test_without_scipy_the_error_names_the_extra(tmp_path, monkeypatch):
    path = write_cells(tmp_path / "a.mat", [([1, 5, 5], [1, 1, 5], "A", "c")])
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(
        LibraryError, match=r"a\.mat is a MATLAB file, which SciPy reads; pip install 'segrec\[datasets\]'"
    ):
        read_polygons(path)


def test_a_missing_folder_mask_or_polygon_file_is_named(tmp_path):
    with pytest.raises(
        DataError, match=r"expected groundtruth_pixel/Train/img1\.jpg beside Images/Train/img1\.jpg; see the layouts"
    ):
        TotalText(tmp_path)
    write(tmp_path)
    (tmp_path / "Polygon/Train").mkdir(parents=True)
    with pytest.raises(
        DataError, match=r"img1\.jpg has no ground truth; expected .*Polygon/Train/poly_gt_img1\.txt or"
    ):
        TotalText(tmp_path)
    (tmp_path / "groundtruth_pixel/Train/img1.jpg").unlink()
    with pytest.raises(DataError, match=r"img1\.jpg has no ground truth; expected .*groundtruth_pixel/Train/img1\.jpg"):
        TotalText(tmp_path)


def test_a_mask_of_another_size_is_refused_when_it_is_read(tmp_path):
    write(tmp_path, names=("img1.jpg",))
    write_picture(tmp_path / "groundtruth_pixel/Train/img1.jpg", TEXT[:, :-1])
    with pytest.raises(DataError, match=r"img1\.jpg is 23 x 16 pixels but its image .*img1\.jpg is 24 x 16"):
        TotalText(tmp_path).sample(0)


def test_a_reader_survives_pickling_and_reads_the_same(tmp_path):
    photographs = TotalText(write(tmp_path))
    again = pickle.loads(pickle.dumps(photographs))
    assert again.name(1) == "img61" and np.array_equal(again.sample(1).text, photographs.sample(1).text)

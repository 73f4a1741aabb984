"""Each release is read in its own layout, with its oddities."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from releases import INSIDE, crop, gradient, iiit5k, put, svt, synth90k, synthtext

from recognizers.metrics import normalise_label
from segrec.core.errors import DataError, LibraryError
from segrec.core.images import decode_image, encode_png
from segrec.data.lexicons import WordLexicons
from segrec.data.words import WordLmdb
from segrec.jobs.import_words import ImportResult, import_words


def labels(folder: Path) -> list[str]:
    return [word.label for word in WordLmdb(folder)]


def imported(dataset: str, source: Path, tmp_path: Path, **settings) -> tuple[WordLmdb, ImportResult]:
    result = import_words(dataset, source, output=tmp_path / "words", **settings)
    return WordLmdb(tmp_path / "words"), result


def origin(words: WordLmdb, position: int) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of a crop of a `gradient`, as its pixels tell."""
    image = words[position].image
    assert (
        image is not None
        and (image == gradient(64, 96)[image[0, 0, 0] :, image[0, 0, 1] :][: len(image), : image.shape[1]]).all()
    )
    return int(image[0, 0, 0]), int(image[0, 0, 1]), image.shape[0], image.shape[1]


def test_synth90k_takes_the_label_from_the_name_and_the_bytes_as_they_are(tmp_path):
    synth90k(tmp_path / "s", ["slinking", "LION", "it's"], corrupt=[1])
    synth90k(tmp_path / "s", ["val"], split="_val")
    words, result = imported("synth90k", tmp_path / "s", tmp_path)
    assert [word.label for word in words] == ["slinking", "it's"]
    assert [words.image_bytes(0), words.image_bytes(1)] == [crop(0), crop(2)]
    assert result.progress.skipped == {"the picture cannot be decoded": 1}
    assert result.progress.examples["the picture cannot be decoded"][0].startswith("3001/7/1_LION_71711.jpg (")
    assert result.verdict == "3 listed words, but papers report 8919273 for synth90k all"
    import_words("synth90k", tmp_path / "s" / INSIDE, output=tmp_path / "val", split="val")
    assert labels(tmp_path / "val") == ["val"]


def test_a_strange_line_is_named_with_its_number(tmp_path):
    put(tmp_path / "annotation.txt", "./1/1/1_a_2.jpg 2\n\n./1/1/noscores.jpg 2\n")
    expected = (
        r"annotation\.txt, line 3: expected \./3000/7/182_slinking_71711\.jpg 71711, got '\./1/1/noscores\.jpg 2'"
    )
    with pytest.raises(DataError, match=expected):
        import_words("synth90k", tmp_path, output=tmp_path / "words")
    put(tmp_path / "list.tsv", b"a.png\tfine\nb.png\t\xff\n")
    with pytest.raises(DataError, match=r"list\.tsv, line 2: no UTF-8 text"):
        import_words("tsv", tmp_path / "list.tsv", output=tmp_path / "words")


def test_synthtext_cuts_boxes_clips_them_and_skips_what_has_no_place(tmp_path):
    words, result = imported("synthtext", synthtext(tmp_path / "st"), tmp_path)
    assert [word.label for word in words] == ["Lines:", "lost", "one"]
    assert [origin(words, position) for position in range(3)] == [(5, 10, 10, 20), (30, 0, 10, 21), (2, 1, 7, 3)]
    assert result.progress.skipped == {
        "nothing of the box lies in the picture": 1,
        "the picture's texts and boxes differ in number": 1,
    }
    assert result.progress.examples["the picture's texts and boxes differ in number"] == [
        "9/zoo_1_0.png#1 (2 texts for 1 boxes)"
    ]


def test_a_margin_is_added_on_all_sides_as_a_part_of_the_height_and_clipped(tmp_path):
    words, _ = imported("synthtext", synthtext(tmp_path / "st"), tmp_path, margin=0.5)
    assert origin(words, 0) == (0, 5, 20, 30)
    assert origin(words, 1) == (23, 0, 17, 28)


def test_cut_words_are_jpeg_where_asked_for(tmp_path):
    words, _ = imported("synthtext", synthtext(tmp_path / "st"), tmp_path, encoding="jpeg")
    assert (words.image_bytes(0) or b"")[:2] == b"\xff\xd8"
    assert words[0].image is not None and words[0].image.shape == (10, 20, 3)


@pytest.mark.parametrize("split", ["train", "test"])
def test_iiit5k_brings_both_lexicons_in_the_format_that_eval_reads(tmp_path, split):
    words, _ = imported("iiit5k", iiit5k(tmp_path / "i", split), tmp_path, split=split)
    assert [word.label for word in words] == ["PRIVATE", "SALUTES"]
    assert words.image_bytes(0) == encode_png(gradient(9, 20))
    small = WordLexicons(tmp_path / "words" / "lexicon.jsonl", normalise_label)
    small.check(2)
    assert small.of(2).words == ["salutes", "other"]
    medium = WordLexicons(tmp_path / "words" / "lexicon-medium.jsonl", normalise_label)
    assert medium.of(1).words == ["private", "other", "third"]


def test_svt_cuts_each_rectangle_and_gives_each_word_its_scenes_lexicon(tmp_path):
    words, result = imported("svt", svt(tmp_path / "svt1").parent, tmp_path)
    assert [word.label for word in words] == ["LIVING", "ROOM", "PARK"]
    assert [origin(words, position) for position in range(3)] == [(8, 12, 10, 20), (0, 50, 7, 10), (0, 0, 9, 9)]
    rows = [json.loads(line) for line in (tmp_path / "words" / "lexicon.jsonl").read_text().splitlines()]
    assert rows == [
        {"index": 1, "words": ["LIVING", "ROOM", "THEATERS", "K&B"]},
        {"index": 2, "words": ["LIVING", "ROOM", "THEATERS", "K&B"]},
        {"index": 3, "words": ["PARK"]},
    ]
    assert list(result.progress.skipped) == ["nothing of the box lies in the picture"]
    assert result.verdict == "3 words, but papers report 647 for svt test"


def test_icdar03_is_read_as_scenes_and_as_crops(tmp_path):
    scenes = """<?xml version="1.0" encoding="ISO-8859-1"?>
<tagset><image><imageName>ryoungt_05.08.2002/a.JPG</imageName>
<resolution x="60" y="40"/><taggedRectangles><taggedRectangle x="-1.0" y="4.0" width="11.0" height="8.0" offset="0.0"
rotation="0.0" userName="admin"><tag>Caf\xe9</tag><segmentation><xOff>3</xOff></segmentation></taggedRectangle>
</taggedRectangles></image></tagset>"""
    put(tmp_path / "SceneTrialTest/words.xml", scenes.encode("latin-1"))
    put(tmp_path / "SceneTrialTest/ryoungt_05.08.2002/a.JPG", encode_png(gradient(40, 60)))
    words, _ = imported("icdar03", tmp_path, tmp_path)
    assert ([word.label for word in words], origin(words, 0)) == (["Café"], (4, 0, 8, 10))
    put(tmp_path / "crops/word.xml", '<imagelist><image file="word/1/1.jpg" tag="self&quot;" /></imagelist>')
    put(tmp_path / "crops/word/1/1.jpg", crop(1))
    import_words("icdar03", tmp_path / "crops", output=tmp_path / "cut", split="train")
    assert labels(tmp_path / "cut") == ['self"']
    put(tmp_path / "torn/words.xml", scenes.encode("latin-1")[:-17])
    with pytest.raises(DataError, match=r"words\.xml, line 5: no XML \(no element found"):
        import_words("icdar03", tmp_path / "torn", output=tmp_path / "none")


def test_icdar13_crops_keep_commas_and_lose_the_escapes_of_quotes(tmp_path):
    root = tmp_path / "Challenge2_Test_Task3_Images"
    lines = ['word_1.png, "Tiredness"', r'word_2.png, "\"kills\""', r'word_3.png, "A\\B, C"', 'word_4.png, "5" pipe"']
    for number in range(1, 5):
        put(root / f"word_{number}.png", encode_png(gradient(8, 8 + number)))
    put(tmp_path / "Challenge2_Test_Task3_GT.txt", "\ufeff" + "\r\n".join(lines) + "\r\n")
    words, _ = imported("icdar13", tmp_path, tmp_path)
    assert [word.label for word in words] == ["Tiredness", '"kills"', r"A\B, C", '5" pipe']


@pytest.mark.parametrize(
    ("split", "folders", "files", "line"),
    [
        ("train", ("Challenge2_Training_Task1_GT", "Challenge2_Training_Task12_Images"), ("2", "10"), '3 4 13 20 "{}"'),
        (
            "test",
            ("Challenge2_Test_Task1_GT", "Challenge2_Test_Task12_Images"),
            ("img_2", "img_10"),
            '3, 4, 13, 20, "{}"',
        ),
    ],
)
def test_icdar13_boxes_are_parted_by_spaces_in_training_and_by_commas_in_the_test(
    tmp_path, split, folders, files, line
):
    for name in files:
        put(tmp_path / folders[0] / f"gt_{name}.txt", line.format(f"of, {name}") + "\n")
        put(tmp_path / folders[1] / f"{name}.jpg", encode_png(gradient(40, 60)))
    words, _ = imported("icdar13", tmp_path, tmp_path, split=split)
    assert [word.label for word in words] == [f"of, {name}" for name in files]
    assert origin(words, 1) == (4, 3, 16, 10)


def test_icdar15_labels_keep_case_spaces_commas_and_quotes(tmp_path):
    root = tmp_path / "ch4_training_word_images_gt"
    wanted = ["Genaxis Theatre", "[06],", '"SCAN"', "CAFÉ"]
    for number in range(1, 5):
        put(root / f"word_{number}.png", encode_png(gradient(8, 8)))
    put(root / "gt.txt", "\ufeff" + "".join(f'word_{n}.png, "{label}"\r\n' for n, label in enumerate(wanted, start=1)))
    words, result = imported("icdar15", tmp_path, tmp_path, split="train")
    assert [word.label for word in words] == wanted
    assert result.verdict == "4 words, but papers report 4468 for icdar15 train"


@pytest.mark.parametrize(("dataset", "line"), [("tsv", "{}\t{}"), ("svtp", "{} {}"), ("cute80", "{}\t{}")])
def test_lists_of_path_and_text_are_read_beside_their_pictures(tmp_path, dataset, line):
    source = put(
        tmp_path / "set" / "gt.txt", line.format("img/a b.png" if "\t" in line else "img/a.png", "Two  words") + "\n"
    )
    for name in ("a", "a b"):
        put(tmp_path / "set" / "img" / f"{name}.png", encode_png(gradient(5, 6)))
    words, _ = imported(dataset, source.parent, tmp_path)
    assert [word.label for word in words] == ["Two  words"]
    import_words(dataset, source, output=tmp_path / "again")
    assert labels(tmp_path / "again") == ["Two  words"]


def test_coordinates_belong_to_the_stored_pixels_not_to_the_turned_picture(tmp_path):
    from PIL import Image

    svt(tmp_path / "svt")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(gradient(20, 30)).save(tmp_path / "svt/img/15_00.jpg", "PNG", exif=exif)
    words, _ = imported("svt", tmp_path / "svt", tmp_path)
    assert origin(words, 2) == (0, 0, 9, 9)


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (
            "synth90k",
            r"no Synth90k all set: expected the file mnt/ramdisk/max/90kDICT32px/annotation\.txt or annotation\.txt",
        ),
        ("svt", r"no SVT test set: expected the file test\.xml or svt1/test\.xml"),
        (
            "icdar13",
            r"no ICDAR-2013 test set: expected Challenge2_Test_Task3_GT\.txt with Challenge2_Test_Task3_Images/",
        ),
        ("icdar15", r"no ICDAR-2015 test set: expected Challenge4_Test_Task3_GT\.txt with ch4_test_word_images_gt/"),
        ("tsv", r"no folder of crops with a list: expected the file labels\.tsv or"),
    ],
)
def test_a_folder_of_another_layout_is_refused_with_what_was_expected(tmp_path, dataset, expected):
    with pytest.raises(DataError, match=expected):
        import_words(dataset, tmp_path, output=tmp_path / "words")
    assert not (tmp_path / "words").exists()


def test_a_matlab_file_of_something_else_is_refused(tmp_path):
    iiit5k(tmp_path, "train")
    (tmp_path / "traindata.mat").rename(tmp_path / "testdata.mat")
    with pytest.raises(DataError, match=r"testdata\.mat: expected a testdata with the fields ImgName, GroundTruth"):
        import_words("iiit5k", tmp_path, output=tmp_path / "words")
    (tmp_path / "testdata.mat").rename(tmp_path / "gt.mat")
    with pytest.raises(DataError, match=r"gt\.mat holds no imnames, wordBB, txt"):
        import_words("synthtext", tmp_path, output=tmp_path / "words")


def test_without_scipy_the_error_names_the_extra(tmp_path, monkeypatch):
    iiit5k(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "scipy.io", None)
    with pytest.raises(
        LibraryError, match=r"testdata\.mat is a MATLAB file, which SciPy reads; pip install 'segrec\[d"
    ):
        import_words("iiit5k", tmp_path, output=tmp_path / "words")


def test_a_cut_crop_decodes_to_exactly_the_scenes_pixels(tmp_path):
    words, _ = imported("svt", svt(tmp_path / "svt"), tmp_path)
    data = words.image_bytes(0)
    assert data is not None and np.array_equal(decode_image(data), gradient(40, 60)[8:18, 12:32])

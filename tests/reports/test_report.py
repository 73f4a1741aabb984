"""The report: one safe HTML file that says what it was given."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from segrec.core.errors import DataError
from segrec.core.images import decode_image, decode_mask
from segrec.reports.report import Report, ReportGain, ReportRow, WordPicture, ordered, write_report

CROP = np.random.default_rng(0).integers(0, 256, (20, 50, 3), dtype=np.uint8)
MASK = np.random.default_rng(1).integers(0, 256, (20, 50), dtype=np.uint8)
NASTY = "<b>&\"'\x00\ud800"

VOID = {"meta", "img"}


class Page(HTMLParser):
    """A page taken apart: its tags with attributes, and its text outside the style sheet; tags must balance."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def word(truth: str = "house", **readings: str) -> WordPicture:
    return WordPicture(CROP, {"predicted": MASK}, truth, readings)


def row(**changes) -> ReportRow:
    return replace(ReportRow("svt", "predicted", "crnn", 200, 151, 0.755, 0.91, 2, (0.6911, 0.8096)), **changes)


def written(tmp_path, report: Report) -> str:
    write_report(tmp_path / "report.html", report)
    return (tmp_path / "report.html").read_bytes().decode("utf-8")


FULL = Report(
    "Masks help",
    ["First.", "Second."],
    [row(mask="none", accuracy=0.7, correct=140, interval=(0.633, 0.759)), row(), row(dataset="iiit5k")],
    [ReportGain("svt: predicted over none", 0.055, 0.012, 0.1), ReportGain("random over none", -0.02, -0.05, 0.01)],
    [word(none="hovse", predicted="house")],
    {"Seed": "7"},
)


def test_words_that_masks_help_come_first_then_those_they_hurt_and_else_the_order_stays():
    same, hurt = word(none="house", predicted="house"), word(none="house", predicted="mouse")
    helped, also_helped = word(none="hous", predicted="house"), word(random="hose", predicted="house")
    wrong, alone = word(none="a", predicted="b"), word(predicted="house")
    given = [same, hurt, helped, wrong, alone, also_helped]
    assert ordered(given) == [helped, also_helped, hurt, same, wrong, alone]
    assert ordered([]) == []


def test_the_reading_without_a_mask_is_the_control_where_there_is_one():
    helped, unchanged = (
        word(none="x", random="house", predicted="house"),
        word(none="house", random="x", predicted="house"),
    )
    assert ordered([unchanged, helped]) == [helped, unchanged]


def test_the_page_needs_nothing_but_itself(tmp_path):
    text = written(tmp_path, FULL)
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    assert all(source["src"].startswith("data:image/") for source in page.all("img"))
    assert not re.search(r"https?:|url\(|@import|@font-face", text)
    assert not any(name.startswith("on") or name == "href" for _, attributes in page.tags for name in attributes)
    assert "default-src 'none'" in page.all("meta")[2]["content"]


def test_the_page_names_its_language_and_fits_phones_and_dark_rooms(tmp_path):
    text = written(tmp_path, FULL)
    page = Page(text)
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("meta")[0] == {"charset": "utf-8"}
    assert page.all("meta")[1]["content"] == "width=device-width, initial-scale=1"
    assert "prefers-color-scheme: dark" in text
    assert all(image["alt"] for image in page.all("img"))
    labelled = {attributes["aria-labelledby"] for attributes in page.all("section")}
    assert labelled == {attributes["id"] for attributes in page.all("h2")}


def test_the_inlined_images_are_the_crop_its_overlay_and_the_masks(tmp_path):
    page = Page(written(tmp_path, FULL))
    kinds, data = zip(
        *(image["src"].removeprefix("data:image/").split(";base64,") for image in page.all("img")), strict=True
    )
    assert kinds == ("jpeg", "jpeg", "png")
    assert [decode_image(b64decode(image)).shape for image in data[:2]] == [CROP.shape] * 2
    assert np.array_equal(decode_mask(b64decode(data[2])), MASK)


def test_large_crops_are_shrunk_and_masks_follow_their_crop(tmp_path):
    picture = WordPicture(np.zeros((1200, 60, 3), np.uint8), {"random": MASK, "predicted": MASK}, "a", {"random": "b"})
    page = Page(written(tmp_path, Report("t", pictures=[picture])))
    assert [(image["height"], image["width"]) for image in page.all("img")] == [("128", "6")] * 3


def test_figures_are_per_cent_with_their_interval_and_n(tmp_path):
    text = Page(written(tmp_path, FULL)).text
    for figure in ("75.5", "69.1 to 81.0", "151 of 200", "91.0", "2 unreadable", "svt", "iiit5k", "crnn"):
        assert figure in text
    assert "+5.5" in text and "+1.2 to +10.0" in text and "better" in text
    assert "\u22122.0" in text and "\u22125.0 to +1.0" in text and "no clear difference" in text
    assert "Seed" in text and "7" in text


def test_a_gain_that_rounds_to_nothing_has_no_sign(tmp_path):
    text = Page(written(tmp_path, Report("t", gains=[ReportGain("x", -0.0001, -0.0004, 0.0)]))).text
    assert "0.0 to 0.0" in text
    assert "\u22120.0" not in text


def test_the_best_accuracy_of_each_dataset_stands_out(tmp_path):
    classes = [attributes.get("class") for attributes in Page(written(tmp_path, FULL)).all("tr")]
    assert classes.count("best") == 1
    assert classes.index("best") == 3  # heading, dataset, none, predicted


def test_a_dataset_without_words_has_no_figures(tmp_path):
    empty = row(words=0, correct=0, accuracy=0.0, ned=0.0, skipped=0, interval=(0.0, 1.0))
    text = Page(written(tmp_path, Report("t", rows=[empty]))).text
    assert "no words to score" in text
    assert "0.0 to 100.0" not in text


def test_right_and_wrong_readings_differ_in_a_sign_and_in_words(tmp_path):
    text = written(tmp_path, FULL)
    assert text.count('class="reading wrong"') == 1
    assert text.count('class="reading right"') == 1
    readings = Page(text).text
    assert "\u2717wrong: hovse" in readings
    assert "\u2713right: house" in readings


@pytest.mark.parametrize(
    ("reading", "shown"),
    [
        ("hovse", "ho<mark>v</mark>se"),
        ("houses", "house<mark>s</mark>"),
        ("hse", 'h<mark title="missing: ou">__</mark>se'),
        ("", '<span class="nothing">nothing</span>'),
        ("house", "<bdi>house</bdi>"),
    ],
)
def test_what_differs_from_the_truth_is_marked(tmp_path, reading, shown):
    assert shown in written(tmp_path, Report("t", pictures=[word(none=reading)]))


def test_readings_stand_in_one_order_and_unknown_names_last(tmp_path):
    readings = {name: "x" for name in ("crf", "oracle", "predicted", "random", "none")}
    text = written(tmp_path, Report("t", pictures=[word(**readings)]))
    assert re.findall(r'<th scope="row">(\w+)<', text) == ["none", "random", "predicted", "oracle", "crf"]


def test_no_text_can_become_markup(tmp_path):
    report = Report(
        NASTY,
        [NASTY],
        [row(dataset=NASTY, mask=NASTY, model=NASTY)],
        [ReportGain(NASTY, 0.0, 0.0, 0.0)],
        [
            WordPicture(
                CROP, {NASTY: MASK, "predicted": MASK}, NASTY, {NASTY: NASTY, "none": NASTY[:3], "predicted": "&<i>"}
            )
        ],
        {NASTY: NASTY},
    )
    page = Page(written(tmp_path, report))
    assert not {"b", "i"} & {tag for tag, _ in page.tags}
    shown = "<b>&\"'\ufffd\ufffd"
    assert page.text.count(shown) == 12  # each place above, the title twice
    assert page.all("img")[0]["alt"] == f"Word image \u201c{shown}\u201d"


def test_empty_parts_are_left_out(tmp_path):
    page = Page(written(tmp_path, Report("Nothing yet")))
    assert not page.all("section")
    assert "Nothing yet" in page.text


def test_equal_reports_give_equal_bytes(tmp_path):
    assert written(tmp_path, FULL) == written(tmp_path / "again", FULL)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (WordPicture(MASK, {}, "a", {}), r"a crop must be \(H, W, 3\) uint8, got \(20, 50\) uint8"),
        (WordPicture(CROP[:0], {}, "a", {}), "a crop must be"),
        (WordPicture(CROP, {"random": MASK / 255}, "a", {"random": "a"}), r"a mask must be \(H, W\) uint8"),
    ],
)
def test_a_picture_of_another_form_is_refused_and_the_old_report_stays(tmp_path, picture, message):
    before = written(tmp_path, FULL)
    with pytest.raises(ValueError, match=message):
        write_report(tmp_path / "report.html", Report("t", pictures=[picture]))
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == before
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(DataError, match=r"cannot write .*report\.html"):
        write_report(tmp_path / "report.html", FULL)

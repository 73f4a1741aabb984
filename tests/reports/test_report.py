"""The report: one safe HTML file that says what it was given."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
from html_page import Page
from small_results import result

from segrec.core.errors import DataError
from segrec.core.images import decode_image, decode_mask
from segrec.evaluation.breakdown import breakdown
from segrec.evaluation.compare import Gain, gains
from segrec.evaluation.scoring import Scored
from segrec.reports.report import Report, Variant, report_page, write_report
from segrec.reports.report_words import WordGroup, WordPicture, WordReading

CROP = np.random.default_rng(0).integers(0, 256, (20, 50, 3), dtype=np.uint8)
MASK = np.random.default_rng(1).integers(0, 256, (20, 50), dtype=np.uint8)
NASTY = "<b>&\"'\x00\ud800"
SHOWN_NASTY = "<b>&\"'\ufffd\ufffd"

TRUTHS = ("house", "milk", "tea", "bar")
NONE = result("none", ("hovse", "milk", "tea", "bat"), truths=TRUTHS)
PREDICTED = result("predicted", ("house", "milk", "tea", "far"), truths=TRUTHS)
ORACLE = result("oracle", ("house", "milk", "tea", "bar"), truths=TRUTHS)
OTHER = [replace(one, dataset="books") for one in (NONE, PREDICTED)]
RESULTS = [NONE, PREDICTED, ORACLE, *OTHER]


def word(before: str = "hovse", after: str = "house", truth: str = "house", **others: str) -> WordPicture:
    readings = [WordReading(mask, f"crnn-{mask}", text, int(text == truth)) for mask, text in others.items()]
    return WordPicture(
        CROP,
        MASK,
        truth,
        WordReading("none", "crnn-none", before, int(before == truth)),
        WordReading("predicted", "crnn-predicted", after, int(after == truth)),
        readings,
    )


def group(*repaired: WordPicture, broken: tuple[WordPicture, ...] = (), **changes) -> WordGroup:
    made = WordGroup("signs", "predicted", "crnn-predicted", "no mask", len(repaired), len(broken), repaired, broken)
    return replace(made, **changes)


def page_of(**parts) -> Page:
    return Page(report_page(Report("Masks", **parts)))


FULL = Report(
    "Masks help",
    "They do.",
    RESULTS,
    gains(RESULTS),
    breakdown(RESULTS),
    [group(word(oracle="house"), broken=(word("tea", "tee", "tea"),)), group(word(), dataset="books", mask="oracle")],
    control=Variant("none", "crnn-none"),
    front=group(word(oracle="house"), broken=(word("tea", "tee", "tea"),)),
    notes=["A note."],
    commands=["segrec eval --model 'a b'"],
    facts={"Seed": "7"},
)


def test_the_verdict_comes_first_then_words_repaired_and_broken_then_the_table():
    text = Page(report_page(FULL)).text
    places = [text.index(part) for part in ("They do.", "Repaired 1 word", "Broken 1 word", "Accuracy", "Gains on")]
    assert places == sorted(places)
    assert (
        text.index("Gains on") < text.index("By crop height") < text.index("Words repaired") < text.index("segrec ev")
    )


def test_the_page_needs_nothing_but_itself_and_runs_no_script():
    text = report_page(FULL)
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "base", "a"} & {tag for tag, _ in page.tags}
    assert all(source["src"].startswith("data:image/") for source in page.all("img"))
    assert not re.search(r"https?:|url\(|@import|@font-face", text)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "default-src 'none'" in page.all("meta")[2]["content"]


def test_the_page_names_its_language_and_fits_phones_and_dark_rooms():
    page = Page(report_page(FULL))
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("meta")[0] == {"charset": "utf-8"}
    assert page.all("meta")[1]["content"] == "width=device-width, initial-scale=1"
    assert "prefers-color-scheme: dark" in page.style and "@media (max-width: 34rem)" in page.style
    assert all(image["alt"] for image in page.all("img"))
    labelled = {attributes["aria-labelledby"] for attributes in page.all("section") if "aria-labelledby" in attributes}
    assert labelled <= {attributes.get("id") for attributes in page.all("h2")}


def test_all_that_scrolls_or_filters_can_be_reached_by_the_keyboard():
    page = Page(report_page(FULL))
    panels = page.classed("div", "panel") + page.classed("pre", "panel")
    assert panels and all(panel["tabindex"] == "0" and panel["aria-label"] for panel in panels)
    assert {attributes["type"] for attributes in page.all("input")} == {"radio"}
    assert len(page.all("label")) == len(page.all("input")) and len(page.all("legend")) == 2
    assert ".filters input:focus-visible" in page.style


def test_each_choice_of_dataset_and_reader_hides_the_parts_of_the_others():
    page = Page(report_page(FULL))
    for kind, names in (("dataset", ["signs", "books"]), ("variant", ["predicted masks", "oracle masks"])):
        ids = [choice["id"] for choice in page.all("input") if choice["name"] == kind]
        assert ids == [f"{kind}-{number}" for number in range(len(names) + 1)]
        for number, name in enumerate(names, start=1):
            hides = (
                f'body:has(#{kind}-{number}:checked) [data-{kind}]:not([data-{kind}="{number}"]) {{ display: none; }}'
            )
            assert hides in page.style
            assert name in page.text
    groups = page.classed("div", "group")
    assert [(one["data-dataset"], one["data-variant"]) for one in groups] == [("1", "1"), ("2", "2")]
    tables = [attributes["data-dataset"] for attributes in page.all("tbody") if "data-dataset" in attributes]
    assert tables == ["1", "2", "1", "2"]  # accuracy, gains


def test_the_control_is_named_and_shown_whatever_reader_is_chosen():
    page = page_of(results=RESULTS, words=[group(word())], control=Variant("none", "crnn-none"))
    rows = [attributes for attributes in page.all("tr") if attributes.get("class") != "dataset"][1:]
    assert [row.get("data-variant") for row in rows[:3]] == [None, "1", None]
    assert page.text.count("no mask control crnn-none") == 0  # the name stands in a line of its own, without a gap
    assert page.text.count("no mask controlcrnn-none") == 2


def test_what_one_dataset_and_one_reader_have_is_not_filtered():
    assert not page_of(results=[NONE, PREDICTED], words=[group(word())]).all("form")


def test_all_datasets_together_are_hidden_where_one_is_chosen_and_are_no_choice():
    page = page_of(results=[*RESULTS, replace(NONE, dataset="pooled")])
    assert [one["data-dataset"] for one in page.all("tbody")] == ["1", "2", "0"]
    assert len(page.all("input")) == 3


def test_only_the_first_list_that_has_words_is_open():
    first = group(broken=(word("tea", "tee", "tea"),))  # repaired none
    page = page_of(words=[first, group(word(), dataset="books"), group(word(), mask="oracle")])
    assert ["open" in one for one in page.all("details")] == [False, True, False, False, False, False]


def test_the_cards_are_explained_in_one_plain_paragraph():
    assert (
        "Each card shows a word\u2019s image, the same image with its mask tinted over it, and the mask, followed by "
        "what each variant read. \u2713 means right and \u2717 wrong; marked characters differ from the truth"
    ) in page_of(words=[group(word())]).text


def test_the_pictures_are_the_crop_its_overlay_and_the_mask():
    page = page_of(words=[group(word())])
    kinds, data = zip(
        *(image["src"].removeprefix("data:image/").split(";base64,") for image in page.all("img")), strict=True
    )
    assert kinds == ("jpeg", "jpeg", "png")
    assert [decode_image(b64decode(image)).shape for image in data[:2]] == [CROP.shape] * 2
    assert np.array_equal(decode_mask(b64decode(data[2])), MASK)


def test_large_crops_are_shrunk_and_masks_follow_their_crop():
    large = replace(word(), crop=np.zeros((1200, 60, 3), np.uint8))
    assert [(image["height"], image["width"]) for image in page_of(words=[group(large)]).all("img")] == [
        ("128", "6")
    ] * 3


def test_a_word_whose_reader_was_shown_no_text_has_its_image_alone():
    assert len(page_of(words=[group(replace(word(), mask=None))]).all("img")) == 1


def test_figures_are_per_cent_with_their_interval_n_and_seeds():
    text = page_of(results=[NONE, result("predicted", TRUTHS, ("x", *TRUTHS[1:]), truths=TRUTHS)]).text
    for figure in ("50.0", "15.0 to 85.0", "2 of 4", "87.5", "3.5 of 4", "mean of 2 seeds: 75.0 to 100.0%"):
        assert figure in text


def test_gains_are_points_with_their_interval_p_and_seeds():
    gain = Gain("signs", "b", "predicted", "a", "a", "none", 200, 0.055, 0.012, 0.1, 3, 1, 0.0004)
    worse = replace(gain, mean=-0.02, low=-0.05, high=0.01, seeds=1, p=0.25)
    text = page_of(gains=[gain, worse]).text
    assert "predicted masks over no maskb over a+5.5better" in text and "+1.2 to +10.0<0.0013 over 1" in text
    assert "\u22122.0no clear difference" in text and "\u22125.0 to +1.00.2501" in text and "200 words" in text


def test_a_gain_that_rounds_to_nothing_has_no_sign():
    gain = Gain("signs", "b", "predicted", "a", "a", "none", 200, -0.0001, -0.0004, 0.0, 1, 1, 1.0)
    text = page_of(gains=[gain]).text
    assert "0.0 to 0.0" in text
    assert "\u22120.0" not in text


def test_the_best_accuracy_of_each_dataset_stands_out():
    classes = [attributes.get("class") for attributes in page_of(results=RESULTS[:3]).all("tr")]
    assert classes == [None, "dataset", None, None, "best"]


def test_a_dataset_without_words_has_no_figures():
    text = page_of(results=[replace(NONE, scored=Scored())]).text
    assert "no words to score" in text
    assert "0.0 to 100.0" not in text


def test_the_breakdown_has_a_column_for_each_reader_and_a_line_for_each_group():
    text = page_of(breakdown=breakdown([NONE, PREDICTED])).text
    assert "signs, by crop height, pixels" in text and "16-23450.015.0 to 85.075.0" in text
    assert "signs, by word length, characters" in text and "5-610.0" in text and "<16" not in text


def test_right_and_wrong_readings_differ_in_a_sign_and_in_words():
    page = page_of(words=[group(word("hovse", "house", oracle="hose"))])
    assert len(page.classed("span", "wrong")) == 2 and len(page.classed("span", "right")) == 1
    assert "\u2717wrong: hovse" in page.text
    assert "\u2713right: house" in page.text


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
def test_what_differs_from_the_truth_is_marked(reading, shown):
    assert shown in report_page(Report("t", words=[group(word(reading))]))


def test_a_reading_of_several_seeds_says_how_many_were_right():
    several = replace(word(), after=WordReading("predicted", "m", "house", 2, seeds=3))
    assert "right in 2 of 3 seeds" in page_of(words=[group(several)]).text


def test_the_page_says_how_many_words_there_are_beyond_those_shown():
    text = page_of(words=[group(word(), repaired=57)]).text
    assert "Repaired 57, the first 1 shown" in text and "Broken 0" in text


def test_no_text_can_become_markup():
    nasty = WordPicture(
        CROP, MASK, NASTY, WordReading(NASTY, NASTY, NASTY, 1), WordReading(NASTY, NASTY, f"&<i>{NASTY}", 0)
    )
    words = group(nasty, dataset=NASTY, mask=NASTY, model=NASTY, over=NASTY)
    results = [replace(one, dataset=NASTY, model=NASTY, mask=f"{one.mask}{NASTY}") for one in (NONE, PREDICTED)]
    gain = Gain(NASTY, NASTY, NASTY, NASTY, NASTY, NASTY, 4, 0.0, 0.0, 0.0, 1, 1, 1.0)
    report = Report(
        *(NASTY, NASTY, results, [gain], breakdown(results), [words, replace(words, dataset="x", model="y")]),
        **{"front": words, "notes": [NASTY], "commands": [NASTY], "facts": {NASTY: NASTY}},
    )
    page = Page(report_page(report))
    assert not {"b", "i"} & {tag for tag, _ in page.tags}
    assert page.all("img")[0]["alt"] == f"Word image \u201c{SHOWN_NASTY}\u201d"
    assert "\x00" not in page.text and SHOWN_NASTY in page.text


def test_empty_parts_are_left_out():
    page = page_of()
    assert not page.all("section") and not page.all("form")
    assert page.text == "Masks Masks"


def test_equal_reports_give_equal_bytes(tmp_path):
    for name in "ab":
        write_report(tmp_path / name, FULL)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop": MASK}, r"a crop must be \(H, W, 3\) uint8, got \(20, 50\) uint8"),
        ({"crop": CROP[:0]}, "a crop must be"),
        ({"mask": MASK / 255}, r"a mask must be \(H, W\) uint8"),
    ],
)
def test_a_picture_of_another_form_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(word(), **changes)


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(DataError, match=r"cannot write .*report\.html"):
        write_report(tmp_path / "report.html", FULL)

"""`segrec eval --format html`: one page with the figures, the words that masks repaired and broke, and the command."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path

import pytest
from html_page import Page

EVAL = ["--device", "cpu", "--mask", "none,predicted,oracle", "--limit", "30"]


@pytest.fixture(scope="module")
def asked(words, masks) -> list[str]:
    return ["eval", "--data", f"signs={words}", "--masks", f"signs={masks}", *EVAL]


def predictions(file: Path) -> dict[str, list[bool]]:
    """Return whether each word was read right, by the kind of mask."""
    right: dict[str, list[bool]] = {}
    for line in map(json.loads, file.read_text("utf-8").splitlines()):
        right.setdefault(line["mask"], []).append(line["correct"])
    return right


def test_the_page_counts_the_words_that_each_mask_repaired_and_broke(segrec, asked, tmp_path):
    code, out, err = segrec(*asked, "--format", "html", "--predictions", tmp_path / "read.jsonl")
    assert code == 0, err
    right = predictions(tmp_path / "read.jsonl")
    text = Page(out).text
    differing = 0
    for mask in ("predicted", "oracle"):
        pairs = list(zip(right["none"], right[mask], strict=True))
        found = re.search(
            rf"signs: {mask} masks crnn-slim-predicted, compared with crnn-slim-none, no mask "
            r"Repaired (\d+).*?Broken (\d+)",
            text,
        )
        assert (int(found[1]), int(found[2])) == (pairs.count((False, True)), pairs.count((True, False)))
        differing += sum(first != second for first, second in pairs)
    assert differing > 0
    assert "oracle masks over predicted masks" in text and "signs, by word length" in text


def test_the_page_is_written_to_a_file_and_repeats_itself_by_its_command(segrec, asked, tmp_path):
    code, out, err = segrec(*asked, "--format", "html", "--output", tmp_path / "new" / "report.html")
    assert (code, out) == (0, f"{tmp_path / 'new' / 'report.html'} written\n"), err
    first = (tmp_path / "new" / "report.html").read_text("utf-8")
    command = html.unescape(re.sub("<.*?>", "", re.search(r"<code>(.*?)</code>", first)[1]))
    again = segrec(*shlex.split(command)[1:], "--device", "cpu", "--format", "html")
    assert again.out == first


def test_several_datasets_and_models_can_be_chosen_among(segrec, words, masks):
    data = ["--data", f"a={words}", "--data", f"b={words}", "--masks", f"a={masks}", "--masks", f"b={masks}"]
    models = ["--model", "control=crnn-slim-none", "--model", "crnn-slim-predicted", "--mask", "random,predicted"]
    code, out, err = segrec("eval", *data, *models, "--limit", "20", "--format", "html", "--device", "cpu")
    assert code == 0, err
    page = Page(out)
    choices = [choice["id"] for choice in page.all("input")]
    assert choices == ["dataset-0", "dataset-1", "dataset-2", "variant-0", "variant-1", "variant-2"]
    assert page.text.startswith("Text masks on a, b")
    assert "With predicted masks, crnn-slim-predicted reads" in page.text and "n 40, 1 seed" in page.text


def test_a_model_that_is_compared_with_none_has_a_page_too(segrec, words):
    code, out, _ = segrec("eval", "--data", f"w={words}", "--mask", "none", "--limit", "5", "--format", "html")
    assert code == 0
    assert "nothing was read that it could be compared with" in Page(out).text


def test_other_formats_go_to_a_file_too_and_one_that_cannot_be_written_shows_first(segrec, words, tmp_path):
    asked = ["eval", "--data", f"w={words}", "--mask", "none", "--limit", "3"]
    assert segrec(*asked, "--format", "json", "-o", tmp_path / "a.json").code == 0
    assert json.loads((tmp_path / "a.json").read_text())["results"][0]["words"] == 3
    code, out, err = segrec(*asked, "--output", tmp_path)
    assert (code, out) == (1, "") and "choose another --output" in err


def test_the_page_of_a_mask_check_says_whether_the_masks_are_used(segrec, words):
    asked = ["--data", f"w={words}", "--model", "crnn-slim", "--mask-check", "--limit", "12", "--format", "html"]
    code, out, err = segrec("eval", *asked, "--device", "cpu")
    assert code == 0, err
    text = Page(out).text
    assert re.search(r"crnn-slim-predicted on w: (it|its|no) .*mask", text)
    assert "oracle masks over shuffled masks" in text and "segrec eval --model crnn-slim --data" in text

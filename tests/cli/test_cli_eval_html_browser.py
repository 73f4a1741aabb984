"""The page of `segrec eval --format html` in headless Chromium: keys, a phone's width, and nothing asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from segrec.cli import main

MODELS = ["--model", "control=crnn-slim-none", "--model", "crnn-slim-predicted", "--mask", "random,predicted"]
HIDDEN = "(boxes) => boxes.length > 0 && boxes.every(box => getComputedStyle(box).display === 'none')"
SHOWN = "(boxes) => boxes.length > 0 && boxes.every(box => getComputedStyle(box).display !== 'none')"

ON_ONE_LINE = """(words, wanted) => wanted.every(word => words.some(span => span.textContent === word))
    && words.filter(span => wanted.includes(span.textContent)).every(span => span.clientHeight < 30)"""


@pytest.fixture(scope="module")
def report(words: Path, masks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two datasets and two models, of which one reads with two kinds of mask."""
    file = tmp_path_factory.mktemp("page") / "report.html"
    data = [f"--{option}={name}={path}" for name in "ab" for option, path in (("data", words), ("masks", masks))]
    assert main(["eval", *data, *MODELS, "--limit", "30", "--device", "cpu", "--format", "html", "-o", str(file)]) == 0
    return file


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """The page as it opens; a test fails where it asked for anything but itself or logged an error."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(report.as_uri())
    yield page
    page.close()
    assert [address for address in asked if not address.startswith("data:")] == [report.as_uri()]
    assert errors == []


def test_datasets_and_readers_are_chosen_with_keys(page):
    page.focus("#dataset-0")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#dataset-1")).to_be_checked()
    assert page.eval_on_selector_all("[data-dataset='1']", SHOWN)
    assert page.eval_on_selector_all("[data-dataset='2'], [data-dataset='0']", HIDDEN)
    page.keyboard.press("Tab")
    expect(page.locator("#variant-0")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#variant-1")).to_be_checked()
    assert page.eval_on_selector_all("[data-variant='1'][data-dataset='1']", SHOWN)
    assert page.eval_on_selector_all("[data-variant='2']", HIDDEN)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowLeft")
    assert page.eval_on_selector_all("[data-dataset], [data-variant]", SHOWN)


def test_words_stand_by_what_the_mask_did_to_them_and_open_with_keys(page):
    shown = 0
    for group in page.locator(".group").all():
        assert [title.split()[0] for title in group.locator("summary").all_inner_texts()] == ["Repaired", "Broken"]
        for details, (before, after) in zip(
            group.locator("details").all(), [("wrong", "right"), ("right", "wrong")], strict=True
        ):
            if details.get_attribute("open") is None:
                details.locator("summary").focus()
                page.keyboard.press("Enter")
            for card in details.locator(".word").all():
                expect(card).to_be_visible()
                readings = card.locator(".reading")
                assert before in readings.nth(0).get_attribute("class").split()
                assert after in readings.nth(1).get_attribute("class").split()
                shown += 1
    assert shown > 0


def test_accuracies_by_height_and_length_and_the_command_are_there(page):
    titles = page.locator("section[aria-labelledby=breakdown] h3").all_inner_texts()
    kinds = ("crop height, pixels", "word length, characters")
    assert {f"{name}, by {kind}" for name in "ab" for kind in kinds} <= set(titles)
    expect(page.locator("section[aria-labelledby=repeat] code")).to_contain_text("segrec eval --model control=")


@pytest.mark.parametrize("width", [320, 375])
def test_on_a_phone_nothing_is_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 700})
    page.eval_on_selector_all("details", "(all) => all.forEach(details => details.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.eval_on_selector("pre", "(command) => command.scrollWidth <= command.clientWidth"), "it is read whole"
    assert page.eval_on_selector_all("pre span", ON_ONE_LINE, ["--model", "--data", "--masks", "crnn-slim-predicted"])

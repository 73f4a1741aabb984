"""The page in headless Chromium: dropped pictures, keys, a phone's width, and nothing asked for from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from served import served

from segrec.core.images import read_image

PATIENCE = 90_000
"""Milliseconds; the networks are slow on a busy machine."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The page as it opens; a test fails where it asked for something from elsewhere or logged an error."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(url)
    page.wait_for_selector("#read")
    yield page
    page.close()
    assert [address for address in asked if not address.startswith((url, "data:", "blob:"))] == []
    assert errors == []


def drop(page: Page, *paths: Path) -> None:
    """Give files to the page and wait until it says what it read."""
    page.set_input_files("input[type=file] >> nth=0", [str(path) for path in paths])
    expect(page.locator("#status")).not_to_contain_text("Nothing was read yet")


def test_pictures_are_dropped_seen_and_edited(page, pictures, tmp_path):
    drop(page, pictures / "photo.png", pictures / "word.png", pictures / "torn.png")
    expect(page.locator("#status")).to_contain_text("3 words in 2 pictures")
    expect(page.locator("#words .problem")).to_contain_text("torn.png: the image cannot be decoded")
    for part in ("overlay", "text-mask", "region-mask"):
        expect(page.locator(f"#{part} img")).to_have_js_property("naturalWidth", 400)
    assert page.locator("#words tbody tr").count() == 3
    expect(page.locator("#chosen-words")).to_contain_text("1 hotel")
    page.uncheck("#chosen-words input >> nth=1")
    page.click("#edit")
    expect(page.locator("#edit-status")).to_contain_text("Done, 400 x 400 pixels.")
    with page.expect_download() as download:
        page.click("#edited button[aria-label=Download], #edited a[download]")
    download.value.save_as(tmp_path / "edited.png")
    changed = (read_image(tmp_path / "edited.png") != read_image(pictures / "photo.png")).any(axis=(0, 2)).nonzero()[0]
    assert changed.min() >= 60 and changed.max() < 190, "the first word alone"
    page.click("#chosen input")
    page.get_by_role("option", name="2: word.png").click()
    expect(page.locator("#chosen-words")).to_contain_text("1 open")


def test_everything_is_done_with_keys(page):
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')"))
    assert reached[0] == "Click to upload or drop files" and {"read", "example"} <= set(reached)
    page.focus("#read")
    page.keyboard.press("Enter")
    expect(page.locator("#status [role=alert]")).to_contain_text("nothing was dropped yet")
    page.focus("#example")
    page.keyboard.press("Enter")
    expect(page.locator("#words table")).to_be_visible()
    page.focus("#deed input >> nth=1")
    page.keyboard.press("Space")
    expect(page.locator("#new-colour")).to_be_hidden()
    page.focus("#edit")
    page.keyboard.press("Enter")
    expect(page.locator("#edited img")).to_be_visible()


def test_a_colour_is_chosen_over_the_button_that_takes_it(page, pictures):
    drop(page, pictures / "word.png")
    page.click("#new-colour button")
    page.fill("#new-colour input", "#0a14c8")
    page.keyboard.press("Enter")
    page.click("#edit")
    expect(page.locator("#edit-status")).to_contain_text("Done, ")


@pytest.mark.parametrize("width", [320, 375])
def test_on_a_phone_nothing_is_wider_than_the_screen(page, pictures, width):
    page.set_viewport_size({"width": width, "height": 700})
    drop(page, pictures / "photo.png")
    expect(page.locator("#words table")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [page.locator(part).bounding_box() for part in ("#words table", "#edit", "#overlay", "#deed")]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    for title in ("Without a mask", "With the mask"):
        assert page.evaluate(
            "title => [...document.querySelectorAll('#words td')].some(cell => cell.dataset.title === title"
            " && getComputedStyle(cell, '::before').content.includes(title))",
            title,
        )

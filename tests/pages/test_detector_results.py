"""What other packages' detectors return becomes outlines; the packages themselves where they are installed."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from printed_words import printed

from segrec.core.errors import LibraryError
from segrec.pages.detector_results import regions_of
from segrec.pages.rapidocr_detector import RapidDetector

SIZE = (100, 200)
BOX = np.array([[20, 10], [60, 10], [60, 30], [20, 30]], np.float32)
SHARES = BOX / np.array([200, 100])


def page_of(geometry: object) -> SimpleNamespace:
    """Return a page with one word as docTR builds it: blocks of lines of words."""
    line = SimpleNamespace(words=[SimpleNamespace(geometry=geometry, value="exit")])
    return SimpleNamespace(blocks=[SimpleNamespace(lines=[line])])


@pytest.mark.parametrize(
    "result",
    [
        [BOX],
        SimpleNamespace(boxes=BOX[None]),
        page_of(((0.1, 0.1), (0.3, 0.3))),
        page_of(tuple(map(tuple, SHARES))),
        SimpleNamespace(pages=[page_of(SHARES)]),
        [{"words": np.vstack([SHARES, [0, 0.9]])[None]}],
        [{"words": np.array([[0.1, 0.1, 0.3, 0.3, 0.9]])}],
        [(BOX.tolist(), "exit", 0.9)],
        [(BOX.tolist(), "exit")],
        ([[[20, 60, 10, 30]]], [[]]),
        ([[]], [[BOX.tolist()]]),
    ],
)
def test_every_result_of_one_word_is_its_outline(result):
    (outline,) = regions_of(result, SIZE)
    assert np.allclose(outline, BOX)


def test_nothing_found_is_no_outline():
    for nothing in (None, [], SimpleNamespace(boxes=None), ([[]], [[]]), [{"words": np.zeros((0, 5))}]):
        assert regions_of(nothing, SIZE) == []


def test_several_pages_are_refused():
    with pytest.raises(ValueError, match="must be of one page, got 2; give the pictures one by one"):
        regions_of(SimpleNamespace(pages=[page_of(SHARES)] * 2), SIZE)


def sign() -> np.ndarray:
    """Return a wall (240, 480, 3) with one printed word."""
    wall, word = np.full((240, 480, 3), 180, np.uint8), printed("HOTEL")
    wall[80 : 80 + word.shape[0], 120 : 120 + word.shape[1]] = word
    return wall


def test_the_detector_of_rapidocr_finds_a_printed_word():
    pytest.importorskip("rapidocr")
    (outline,) = RapidDetector()(sign())
    assert (
        np.abs(outline.mean(axis=0) - (120 + printed("HOTEL").shape[1] / 2, 80 + printed("HOTEL").shape[0] / 2)).max()
        < 6
    )


def test_a_rapidocr_without_what_it_needs_is_such_an_error_too(tmp_path, monkeypatch):
    (tmp_path / "main.py").write_text("import a_package_that_nobody_has\n", "utf-8")
    package = ModuleType("rapidocr")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "rapidocr", package)
    monkeypatch.delitem(sys.modules, "rapidocr.main", raising=False)
    with pytest.raises(LibraryError, match=r"a_package_that_nobody_has.*pip install 'segrec\[ppocr\]'"):
        RapidDetector()


def test_a_missing_rapidocr_is_an_error_with_the_command_that_mends_it(monkeypatch):
    for name in ("rapidocr", "rapidocr.main"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(LibraryError, match=r"RapidOCR's detector cannot be imported .*; pip install 'segrec\[ppocr\]'"):
        RapidDetector()


def test_doctr_s_own_documents_are_understood():
    elements = pytest.importorskip("doctr.io.elements")
    word = elements.Word("exit", 0.9, ((0.1, 0.1), (0.3, 0.3)), 0.9, {"value": 0, "confidence": None})
    page = elements.Page(np.zeros((*SIZE, 3), np.uint8), [elements.Block([elements.Line([word])])], 0, SIZE)
    (outline,) = regions_of(elements.Document([page]), SIZE)
    assert np.allclose(outline, BOX)


def test_easyocr_s_own_boxes_are_understood():
    """EasyOCR groups a detector's corner rows into level boxes (left, right, top, bottom) and free ones."""
    utils = pytest.importorskip("easyocr.utils")
    level, free = utils.group_text_box([BOX.astype(int).ravel()], width_ths=0, add_margin=0)
    (outline,) = regions_of(([level], [free]), SIZE)
    assert np.allclose(outline, BOX)

"""Pictures of the spread of scores over images."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from segmenter.metrics import PixelCounts, ThresholdSweep
from segrec.core.errors import ConfigError, LibraryError
from segrec.core.images import read_image
from segrec.evaluation.mask_scoring import ImageScore, TargetScore
from segrec.evaluation.segmenter_result import SegmenterResult
from segrec.reports.curves import COLOURS, check_picture, draw_curves, spread


def result(segmenter: str, hits: list[int], *, data: str = "signs", sweep: bool = False) -> SegmenterResult:
    """Return a result on images of 10 text pixels, of which so many were hit and the others missed."""
    images = [ImageScore(f"i{place}", 20, 30, PixelCounts(hit, 0, 10 - hit), 0) for place, hit in enumerate(hits)]
    swept = ThresholdSweep() if sweep else None
    if swept is not None:
        swept.add(np.array([[0.3, 0.8]], np.float32), np.array([[0, 1]]))
    return SegmenterResult(segmenter, segmenter, data, "text", "words", 0.5, TargetScore(images, swept), len(hits), [])


def coloured(path, colour: str) -> int:
    """Return the number of pixels of a colour."""
    wanted = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return int(np.count_nonzero((read_image(path) == wanted).all(axis=2)))


def test_the_area_below_a_curve_is_the_mean_and_every_step_is_the_share_of_images():
    values = [0.5, 0.25, 1.0, 0.25]
    places, shares = spread(values)
    assert places.tolist() == [0, 0.25, 0.5, 1] and shares.tolist() == [1, 1, 0.5, 0.25]
    assert np.sum(np.diff(places) * shares[1:]) == np.mean(values)
    assert [share.tolist() for share in spread([0.0])] == [[0, 1], [1, 0]]


def test_segmenters_add_lines_datasets_add_rows_and_a_sweep_adds_a_column(tmp_path):
    one, many = str(tmp_path / "one.png"), str(tmp_path / "many.png")
    draw_curves(one, [result("a", [2, 5, 9])])
    assert coloured(one, COLOURS[0]) > 1000 and coloured(one, COLOURS[1]) == 0
    draw_curves(many, [result("a", [2, 5, 9], sweep=True), result("b", [4, 6, 8]), result("b", [7], data="words")])
    assert coloured(many, COLOURS[0]) > 1000 and coloured(many, COLOURS[1]) > 1000
    (height, width), (taller, wider) = (read_image(path).shape[:2] for path in (one, many))
    assert taller > 1.5 * height and wider == pytest.approx(width * 4 / 3, abs=1)


def test_an_svg_holds_the_names_as_text_and_is_the_same_each_time(tmp_path):
    for name in ("first.svg", "second.svg"):
        draw_curves(str(tmp_path / name), [result("ours & theirs", [2, 5], sweep=True)])
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()
    texts = {"".join(element.itertext()).strip() for element in ElementTree.parse(tmp_path / "first.svg").iter()}
    assert texts >= {"ours & theirs", "signs, text, n = 2", "Precision of an image", "F1 of an image", "Threshold"}


def test_a_pdf_can_be_asked_for_and_results_without_images_give_empty_panels(tmp_path):
    draw_curves(str(tmp_path / "new" / "curves.pdf"), [result("a", [])])
    assert (tmp_path / "new" / "curves.pdf").read_bytes().startswith(b"%PDF")


def test_other_suffixes_and_a_missing_library_are_refused_in_one_line(monkeypatch):
    with pytest.raises(ConfigError, match=r"--curves writes \.png, \.svg, \.pdf, got curves\.txt; name a file"):
        check_picture("curves.txt")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(LibraryError, match=r"drawing needs matplotlib .*; pip install 'segrec\[plots\]'"):
        check_picture("curves.png")

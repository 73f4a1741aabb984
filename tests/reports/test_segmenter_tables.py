"""Tables of segmenters' scores."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from markdown_cells import unaligned

from segmenter.metrics import LEVELS, PixelCounts, ThresholdSweep
from segrec.evaluation.mask_scoring import ImageScore, TargetScore
from segrec.evaluation.segmenter_result import SegmenterResult, by_height, complaint
from segrec.evaluation.statistics import Difference
from segrec.reports.segmenter_tables import segmenters_text

HEIGHTS = [15, 16, 23, 24, 31, 32, 47, 48, 900]


def result(**changes) -> SegmenterResult:
    """Return a result on two images, one of 3 hits and 1 missed pixel and one of 1 hit and 4 wrong ones."""
    images = [ImageScore("a", 20, 30, PixelCounts(3, 0, 1), 5), ImageScore("b", 50, 30, PixelCounts(1, 4, 0), 2)]
    given = {"segmenter": "net", "weights": "net.safetensors", "data": "signs", "target": "text", "pictures": "words"}
    return SegmenterResult(
        **{
            **given,
            "threshold": 0.5,
            "scored": TargetScore(images),
            "total": 4,
            "problems": ["c is damaged"],
            **changes,
        }
    )


def swept() -> TargetScore:
    sweep = ThresholdSweep()
    sweep.add(np.array([[0.25, 0.5, 0.75]], np.float32), np.array([[1, 0, 1]]))
    return TargetScore(result().scored.images, sweep)


def test_a_row_by_hand():
    row = result().row()
    assert (row["images"], row["without_truth"], row["skipped"], row["ignored_pixels"]) == (2, 1, 1, 7)
    assert (row["precision"], row["recall"]) == ((1 + 1 / 5) / 2, (3 / 4 + 1) / 2)
    assert row["f1"] == pytest.approx((6 / 7 + 2 / 6) / 2)
    assert row["f1_of_means"] == pytest.approx(2 * 0.6 * 0.875 / 1.475)
    assert (row["pooled_precision"], row["pooled_recall"], row["pooled_iou"]) == (4 / 8, 4 / 5, 4 / 9)
    assert (row["true_positive"], row["false_positive"], row["false_negative"]) == (4, 4, 1)
    assert not [name for name in row if "top1" in name or "gain" in name or "best" in name]


def test_markdown_is_in_per_cent_and_names_each_convention():
    header, rule, row, _, note = unaligned(segmenters_text([result()], "markdown")).splitlines()
    assert header == (
        "| segmenter | data | target | images | P % | R % | F1 % | F of mean P, R % | pooled P % | pooled R % "
        "| fgIoU % | ignored pixels | skipped |"
    )
    assert rule.count("|") == header.count("|")
    assert row == "| net | signs | text | 2 | 60.00 | 87.50 | 59.52 | 71.19 | 50.00 | 80.00 | 44.44 | 7 | 1 |"
    assert note.startswith("Threshold 0.5; each image at its own size. P, R and F1 are means over images")


def test_several_segmenters_are_compared_below():
    other = result(segmenter="a|b", top1=0.5, difference=Difference(0.012, -0.001, 0.025))
    text = unaligned(segmenters_text([result(top1=0.5), other], "markdown"))
    assert "| segmenter | data | target | F1 Top-1 % | images won | F1 gain, points (95% interval) | over |" in text
    assert "| net | signs | text | 50.00 | 1 | | |" in text
    assert "| a\\|b | signs | text | 50.00 | 1 | +1.20 (-0.10 to +2.50) | net |" in text
    row = other.row()
    assert (row["f1_top1"], row["f1_top1_images"]) == (0.5, 1.0)
    assert (row["f1_gain"], row["f1_gain_low"], row["f1_gain_high"]) == (0.012, -0.001, 0.025)


def test_a_sweep_names_the_best_threshold_and_where_it_was_found():
    text = unaligned(segmenters_text([result(scored=swept())], "markdown"))
    assert "| net | signs | text | 0.250 | 80.00 | 0.250 | 66.67 |" in text
    assert "found on these very images; choose a threshold on other ones" in text
    assert "| net | signs | text | 0.75 | 100.00 | 50.00 | 66.67 | 50.00 |" in text


def test_json_and_csv_hold_every_threshold_and_height():
    results = [result(scored=swept())]
    nested = json.loads(segmenters_text(results, "json", heights=True))["results"][0]
    assert len(nested["sweep"]) == LEVELS and nested["best_f1_threshold"] == 0.25
    assert [(group["height"], group["images"]) for group in nested["by_height"]] == [
        ("<16", 0), ("16-23", 1), ("24-31", 0), ("32-47", 0), (">=48", 1)
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(segmenters_text(results, "csv", heights=True))))
    assert len(rows) == 1 + 5 + LEVELS
    assert [row["height"] for row in rows[:6]] == ["all", "<16", "16-23", "24-31", "32-47", ">=48"]
    assert float(rows[2]["f1"]) == 6 / 7 and rows[2]["skipped"] == ""
    assert [float(row["threshold"]) for row in rows[6:]] == [level / LEVELS for level in range(LEVELS)]
    assert "height" in segmenters_text(results, "markdown", heights=True)


def test_every_height_falls_into_one_group():
    images = [ImageScore("", height, 9, PixelCounts(1, 0, 0), 0) for height in HEIGHTS]
    groups = by_height(result(scored=TargetScore(images)))
    assert [score.images for score in groups.values()] == [1, 2, 2, 2, 2]


def test_a_complaint_names_what_was_left_out():
    assert complaint([result(problems=[]), result(problems=[])]) is None
    assert complaint([result(problems=[]), result()]) == (
        "1 of 4 images of signs cannot be read and are not scored, the first: c is damaged"
    )
    empty = result(scored=TargetScore(), problems=[])
    assert complaint([empty]) == "none of the 4 images of signs has a text mask to score"


def test_without_images_there_are_no_figures():
    text = unaligned(segmenters_text([result(scored=TargetScore())], "markdown"))
    assert "| net | signs | text | 0 | | |" in text

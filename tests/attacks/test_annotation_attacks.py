"""Annotations, records and logs of strangers: JSON, MATLAB files and lists get their line at once."""

from __future__ import annotations

from pathlib import Path

import hostile_annotations as hostile
import pytest
from attacked import answers, assert_refused

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "word.png"
COCO = '{"imgs": {"1": {"file_name": "a.jpg", "set": "val"}}, "anns": {"1": %s}}'
ANNOTATION = '{"image_id": 1, "legibility": "legible", "mask": [1, 2, 3, 4, 5, %s]}'


def folder_of(file: Path, content: str | bytes) -> Path:
    """Write a file and return its new folder."""
    file.parent.mkdir(parents=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file.parent


def test_json_costs_no_more_than_its_line(tmp_path: Path):
    attempts = {}
    for number, (name, text) in enumerate(hostile.JSONS.items()):
        root = tmp_path / str(number)
        polygons = folder_of(root / "polygons" / "a.json", text) / "a.json"
        attempts[f"polygons {name}"] = ["read", PICTURE, "--polygons", polygons]
        attempts[f"run {name}"] = ["info", folder_of(root / "run" / "run.json", text)]
        attempts[f"scenes {name}"] = ["info", folder_of(root / "scenes" / "scenes.json", text)]
        warp = folder_of(root / "warp" / "warp.json", text)
        attempts[f"warp {name}"] = ["eval-segmenter", "--data", f"warp-icdar13:test={warp}"]
    for number, (name, text) in enumerate(hostile.WARPS.items()):
        warp = folder_of(tmp_path / f"warp {number}" / "warp.json", text % '"kind": "warp-icdar13", "format": 1')
        attempts[f"warp of {name}"] = ["eval-segmenter", "--data", f"warp-icdar13:test={warp}"]
    for name, annotation in {"a number": "7", "digits": ANNOTATION % ("9" * 400)}.items():
        coco = folder_of(tmp_path / f"coco {name}" / "cocotext.v2.json", COCO % annotation)
        (coco / "train2014").mkdir()
        attempts[f"COCO-Text of {name}"] = ["eval-segmenter", "--data", f"coco-text:val={coco}"]
    assert_refused(answers("JSON", attempts, tmp_path))


def test_a_line_that_no_list_has_is_refused_at_once(tmp_path: Path):
    attempts = {}
    for number, (name, line) in enumerate(hostile.LINES.items()):
        root = tmp_path / str(number)
        quoted = folder_of(root / "quoted" / "gt.txt", line)
        attempts[f"ICDAR-2015 {name}"] = ["import", "icdar15", quoted, "--output", root / "words"]
        boxes = folder_of(root / "boxes" / "Challenge2_Test_Task1_GT" / "gt_img_1.txt", line).parent
        (boxes / "Challenge2_Test_Task12_Images").mkdir()
        attempts[f"ICDAR-2013 {name}"] = ["import", "icdar13", boxes, "--output", root / "words"]
        polygons = folder_of(root / "polygons" / "a.txt", line) / "a.txt"
        attempts[f"polygons {name}"] = ["read", PICTURE, "--polygons", polygons]
        total = hostile.total_text(root / "total", PICTURE, "poly_gt_img1.txt", line.encode())
        attempts[f"Total-Text {name}"] = ["eval-segmenter", "--data", f"totaltext:test={total}"]
    found = answers("lines of lists", attempts, tmp_path)
    assert_refused({name: answer for name, answer in found.items() if answer.code})


def test_no_matlab_file_takes_more_than_it_holds(tmp_path: Path):
    pytest.importorskip("scipy")
    attempts = {}
    for number, (name, content) in enumerate(hostile.MATLABS.items()):
        total = hostile.total_text(tmp_path / str(number), PICTURE, "poly_gt_img1.mat", content)
        attempts[f"Total-Text {name}"] = ["eval-segmenter", "--data", f"totaltext:test={total}"]
        words = folder_of(tmp_path / f"words {number}" / "testdata.mat", content)
        attempts[f"IIIT5K {name}"] = ["import", "iiit5k", words, "--output", tmp_path / "words"]
    assert_refused(answers("MATLAB files", attempts, tmp_path))


def test_the_log_of_a_run_is_read_no_further_than_it_is_one(tmp_path: Path):
    attempts = {}
    for name, content in hostile.LOGS.items():
        run = folder_of(tmp_path / name / "metrics.jsonl", content)
        (run / "run.json").write_text('{"settings": {"steps": 3}}')
        attempts[name] = ["info", run]
    found = answers("logs of runs", attempts, tmp_path)
    assert_refused({name: answer for name, answer in found.items() if answer.code})
    assert "line 2 is not a row of a log" in found["nested"].err

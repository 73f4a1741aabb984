"""torch.hub finds segrec's entry points in a clone."""

from __future__ import annotations

import inspect
import runpy
import tomllib
from pathlib import Path

import torch
from printed_words import printed

from recognizers.configuration import RecognizerNetwork
from segmenter.interface import SegmentationNetwork
from segrec.reader import Reader

ROOT = str(Path(__file__).parents[1])


def test_every_entry_point_says_what_it_returns_and_every_package_it_needs_is_one_of_ours():
    found = runpy.run_path(f"{ROOT}/hubconf.py")
    entries = {name: value for name, value in found.items() if inspect.isfunction(value)}
    assert set(entries) == {"reader", "recognizer", "segmenter"}
    assert all(entry.__doc__.startswith("Return a ") for entry in entries.values())
    project = tomllib.loads((Path(ROOT) / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {"cv2": "opencv-python", "PIL": "pillow"}
    known = {one.partition(">=")[0] for one in project["dependencies"]}
    assert {needed.get(name, name) for name in found["dependencies"]} <= known


def test_a_reader_is_loaded_and_reads():
    reader = torch.hub.load(ROOT, "reader", source="local", device="cpu")
    assert isinstance(reader, Reader)
    assert [word.text for word in reader.read([printed("hotel")])] == ["hotel"]


def test_networks_are_loaded_by_name():
    recognizer = torch.hub.load(ROOT, "recognizer", "crnn-slim-none", source="local")
    assert isinstance(recognizer, RecognizerNetwork) and not recognizer.training
    segmenter = torch.hub.load(ROOT, "segmenter", source="local")
    assert isinstance(segmenter, SegmentationNetwork) and not segmenter.training

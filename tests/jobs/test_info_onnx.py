"""`describe` of networks in ONNX."""

from __future__ import annotations

import pytest

from segrec.jobs.info import describe
from segrec.weights import SEGMENTER, resolve_onnx

pytest.importorskip("onnxruntime")


def test_an_exported_network_says_what_it_is():
    found = describe(resolve_onnx(SEGMENTER))
    assert (found.kind, found.sound, found.facts["opens"]) == ("network in ONNX", True, "yes")
    assert (found.facts["kind"], found.facts["working_height"]) == ("segmenter", "32")
    assert "multiples of 16" in found.facts["padding"] and "uint8" in found.facts["normalisation"]


def test_a_damaged_file_is_reported_in_one_line(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(resolve_onnx(SEGMENTER).read_bytes()[:1000])
    found = describe(tmp_path / "bad.onnx")
    assert not found.sound and found.facts["opens"] == "no"
    (problem,) = found.problems
    assert "is not a readable .onnx file (it is cut short); copy it again" in problem and "\n" not in problem

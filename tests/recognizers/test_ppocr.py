"""PP-OCR's recognizers, with and without what they need."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from printed_words import printed

from recognizers.ppocr import PaddleRecognizer, packaged_recognizer
from segrec.core.errors import CheckpointError, LibraryError


def test_a_missing_rapidocr_is_an_error_with_the_command_that_mends_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LibraryError) as error:
        packaged_recognizer()
    assert str(error.value) == (
        "PP-OCR's recognizer comes with the package rapidocr, which is not installed; pip install 'segrec[ppocr]'"
    )


def test_a_missing_onnxruntime_is_an_error_with_the_command_that_mends_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(LibraryError) as error:
        PaddleRecognizer("model.onnx")
    assert str(error.value) == (
        "networks in ONNX run in onnxruntime, which is not installed; pip install 'segrec[onnx]'"
    )


def test_words_are_read_as_they_are_written():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("rapidocr")
    readings = PaddleRecognizer(packaged_recognizer()).read([printed("HOTEL"), printed("2026")])
    assert [reading.text for reading in readings] == ["HOTEL", "2026"]
    assert all(0.9 < confidence <= 1 for reading in readings for confidence in reading.character_confidences)


def test_another_network_or_no_file_is_no_recognizer(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    other = Path(runtime.__file__).parent / "datasets" / "logreg_iris.onnx"
    with pytest.raises(CheckpointError, match="names no characters in its metadata"):
        PaddleRecognizer(other)
    with pytest.raises(CheckpointError, match=r"no weights file at .*; name an \.onnx file"):
        PaddleRecognizer(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(CheckpointError, match=r"is not a readable \.onnx file") as error:
        PaddleRecognizer(tmp_path / "bad.onnx")
    assert "\n" not in str(error.value)

"""The page on EasyOCR: its snippet reads what a detector of that interface finds, and it names the files we know."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from small_easyocr import easyocr_state

from recognizers import load_pretrained, save_recognizer, widen_input
from recognizers.families.easyocr import character_tables

PAGE = (Path(__file__).parents[1] / "docs" / "easyocr.md").read_text("utf-8")


class Detector:
    """Finds one upright word and one tilted one, in the form in which `easyocr.Reader.detect` says it."""

    def __init__(self, languages: list[str], *, recognizer: bool) -> None:
        assert languages == ["en"] and not recognizer

    def detect(self, picture: np.ndarray, *, width_ths: float):
        """Return the boxes and the quadrangles of one picture, a list of each."""
        assert picture.shape == (60, 200, 3) and 0 < width_ths < 0.5
        return [[[10, 90, 5, 30]]], [[[[100, 20], [180, 10], [182, 34], [102, 44]]]]


def test_the_snippet_reads_what_the_detector_finds(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stand_in = types.ModuleType("easyocr")
    stand_in.Reader = Detector  # the package itself downloads its detector
    monkeypatch.setitem(sys.modules, "easyocr", stand_in)
    picture = np.random.default_rng(0).integers(0, 256, (60, 200, 3), np.uint8)
    Image.fromarray(picture).save("photo.jpg")
    torch.save(easyocr_state(), "english_g2.pth")
    Path("RUN").mkdir()
    save_recognizer("RUN/best.safetensors", widen_input(load_pretrained("english_g2.pth"), fusion="adapter"))
    names: dict[str, object] = {}
    (snippet,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(snippet, names)
    assert [word.mask.shape for word in names["words"]] == [(25, 80), (24, 81)]
    assert capsys.readouterr().out.startswith("[10  5] ")


def test_the_page_names_every_file_that_is_known():
    assert {f"{name}.pth" for name in character_tables()} <= set(re.findall(r"`(\w+\.pth)`", PAGE))

"""Libraries whose readers have known holes are refused where files are read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segrec.core.checkpoint import load_untrusted, load_weights
from segrec.core.errors import LibraryError
from segrec.core.images import decode_image, encode_png, opencv
from segrec.core.packages import OPENCV, TORCH, require


@pytest.mark.parametrize("version", ["2.9.1", "2.9.1+cu130", "1.99.0", "2.5.0a0+git"])
def test_an_old_version_is_refused_with_the_command_that_replaces_it(version: str):
    with pytest.raises(LibraryError, match=r"has known holes .*; pip install --upgrade 'torch>=2\.10'"):
        require("torch", version, TORCH)


@pytest.mark.parametrize("version", ["2.10.0", "2.14.1+cu130", "3.0", "a fork"])
def test_a_new_or_unknown_version_passes(version: str):
    require("torch", version, TORCH)


def test_the_loaders_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    picture = encode_png(np.zeros((2, 2, 3), np.uint8))
    torch.save({"w": torch.zeros(1)}, tmp_path / "a.pth")
    monkeypatch.setattr(torch, "__version__", "2.9.0")
    for load in (load_untrusted, load_weights):
        with pytest.raises(LibraryError, match=r"torch 2\.9\.0 has known holes"):
            load(tmp_path / "a.pth")
    monkeypatch.setattr(cv2, "__version__", "4.11.0")
    opencv.cache_clear()
    try:
        with pytest.raises(LibraryError, match=r"opencv-python 4\.11\.0 has known holes"):
            encode_png(decode_image(picture))
    finally:
        monkeypatch.undo()
        opencv.cache_clear()


def test_the_package_asks_for_the_same():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    for name, floor in (("torch", TORCH), ("opencv-python", OPENCV)):
        assert f"{name}>={floor[0]}.{floor[1]}" in project["dependencies"]

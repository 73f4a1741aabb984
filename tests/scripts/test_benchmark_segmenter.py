"""What the benchmark of MSER + SWT measures; nothing is timed here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from segrec.core.images import encode_png


def test_mser_and_swt_are_timed_on_640x480_pixels_of_each_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from benchmark import main

    from segmenter.baselines import mser

    seen: list[tuple[int, ...]] = []
    real = mser.text_strokes
    monkeypatch.setattr(mser, "text_strokes", lambda picture: (seen.append(picture.shape), real(picture))[1])
    (tmp_path / "street.png").write_bytes(encode_png(np.full((90, 200, 3), 90, dtype=np.uint8)))
    done = CliRunner().invoke(main, ["mser", str(tmp_path / "street.png"), "--repeats", "1"])
    assert done.exit_code == 0, done.output
    assert "| street.png" in done.output and "under 1 s a picture: " in done.output
    assert seen == [(480, 640, 3)] * 2


def test_without_a_photograph_a_scene_is_rendered():
    from benchmark import main

    done = CliRunner().invoke(main, ["mser", "--repeats", "1"])
    assert done.exit_code == 0 and "| a rendered scene" in done.output, done.output

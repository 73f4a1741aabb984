"""What the benchmark of rendering compares, on a few words; nothing is timed here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import ImageFont

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def sources(tmp_path) -> list[str]:
    font, lexicon = tmp_path / "built-in.ttf", tmp_path / "words.txt"
    font.write_bytes(ImageFont.load_default(20).path.getvalue())
    lexicon.write_text("sign\nopen")
    return [f"--fonts={font}", f"--lexicon={lexicon}", "--count=2", "--repeats=1"]


def test_checkouts_that_write_the_same_bytes_are_told_from_others(sources, tmp_path):
    from benchmarks.rendering import render

    for package in ("segrec", "segmenter", "recognizers"):
        shutil.copytree(CHECKOUT / package, tmp_path / "other" / package)
    found = CliRunner().invoke(render, [*sources, f"--against={tmp_path / 'other'}"])
    assert found.exit_code == 0 and "the bytes are the same" in found.output
    texts = tmp_path / "other" / "segrec" / "rendering" / "texts.py"
    texts.write_text(texts.read_text(encoding="utf-8").replace("return word[:22]", "return word[:1]"), encoding="utf-8")
    found = CliRunner().invoke(render, [*sources, f"--against={tmp_path / 'other'}"])
    assert found.exit_code == 1 and "the bytes are NOT the same" in found.output

"""The demonstration ends in a verdict on rendered words, and shows the shipped words of photographs too."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from cli_words import contents
from html_page import Page

from segrec.data.words import WordLmdb
from segrec.jobs import demo_set


@pytest.fixture(autouse=True)
def few_words(monkeypatch):
    """Render few words for the demonstration."""
    monkeypatch.setattr(demo_set, "SIZES", {"train": 16, "test": 30})


def test_the_demo_compares_all_readers_with_the_fair_control_and_ends_in_a_verdict(segrec, tmp_path):
    folder = tmp_path / "demo"
    code, out, err = segrec("demo", "--output", folder)
    assert code == 0, err
    rows = [[cell.strip() for cell in line.split("|")] for line in out.splitlines() if line.startswith("| demo-test")]
    assert [row[2] for row in rows[:5]] == ["none", "none", "random", "predicted", "oracle"]
    assert [row[3] for row in rows[:2]] == ["crnn-slim", "crnn-slim-none"]
    verdict = next(line for line in out.splitlines() if line.startswith("With predicted masks, crnn-slim-predicted "))
    assert re.search(r": [+-]\d+\.\d points \(95% interval [+-]\d+\.\d to [+-]\d+\.\d, n 30, 1 seed\), ", verdict)
    assert str(folder / "report.html") in out
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert html.escape(verdict) in report
    assert [mask for mask in ("no mask", "random masks", "predicted masks", "oracle masks") if mask not in report] == []
    assert '<span class="control">control</span><small>crnn-slim-none</small>' in report
    before = contents(folder / "masks")
    assert segrec("demo", "--output", folder).code == 0
    assert contents(folder / "masks") == before


def counted(segrec, masks: Path) -> tuple[int, int]:
    """Return how many shipped words the fair control and the reader with predicted masks read right."""
    models = ["--model", "crnn-slim-none", "--model", "crnn-slim-predicted"]
    data = ["--data", f"real={demo_set.SAMPLES}", "--masks", f"real={masks}", "--mask", "predicted"]
    code, out, err = segrec("eval", *models, *data, "--format", "json")
    assert code == 0, err
    control, masked = json.loads(out)["results"]
    assert (control["mask"], masked["mask"]) == ("none", "predicted")
    return control["correct"], masked["correct"]


def test_the_demo_shows_all_shipped_words_of_photographs_and_counts_what_each_side_reads(segrec, tmp_path):
    folder = tmp_path / "demo"
    code, out, err = segrec("demo", "--output", folder)
    assert code == 0, err
    control, masked = counted(segrec, folder / "masks" / "icdar2015")
    sentence = next(line for line in out.splitlines() if line.startswith("Of 60 words of photographs, "))
    assert f"crnn-slim-none reads {control} right without a mask and crnn-slim-predicted {masked} with" in sentence
    assert "prove nothing" in sentence and "docs/results.md" in sentence
    report = (folder / "report.html").read_text(encoding="utf-8")
    whole = Page(report).text
    assert whole.index("Words repaired and broken") < whole.index("Words of photographs " + sentence)
    section = report[report.index('<section aria-labelledby="sheet">') :]
    tiles = [Page(tile) for tile in re.findall("<li>.*?</li>", section[: section.index("</section>")], re.DOTALL)]
    labels = [word.label.lower() for word in WordLmdb(demo_set.SAMPLES)]
    assert [tile.text.split()[1] for tile in tiles] == labels
    assert all(len(tile.all("img")) == 2 for tile in tiles)
    signs = [re.findall("[\u2713\u2717]", tile.text) for tile in tiles]
    assert [[pair[side] for pair in signs].count("\u2713") for side in (0, 1)] == [control, masked]

"""The word crops that come with the package: there, readable, small, and part of what is installed."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

from segrec.data.words import WordLmdb
from segrec.jobs.demo_set import SAMPLES

ROOT = Path(__file__).parents[1]
README = SAMPLES.parent / "README.md"
LARGEST = 500_000


def test_the_samples_are_sixty_plain_words_that_can_be_read():
    words = WordLmdb(SAMPLES)
    assert len(words) == 60
    for word in words:
        assert word.image is not None, word.problem
        height, width = word.image.shape[:2]
        assert 12 <= height <= width
        assert re.fullmatch("[0-9A-Za-z]{3,}", word.label)


def test_the_samples_are_small_and_nothing_lies_beside_them():
    assert [file.name for file in SAMPLES.iterdir()] == ["data.mdb"]
    assert (SAMPLES / "data.mdb").stat().st_size < LARGEST


def test_the_samples_say_whose_they_are_and_what_was_changed():
    text = " ".join(README.read_text("utf-8").split())
    for part in ("Karatzas", "rrc.cvc.uab.es", "creativecommons.org/licenses/by/4.0", "What was changed", "cut out"):
        assert part in text


def test_the_samples_and_their_licence_go_into_the_wheel():
    """A wheel holds all of its packages, at any depth, but what git ignores."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "segrec" in wheel.pop("packages") and wheel == {}, "what else is asked of the wheel may leave files out"
    place = (SAMPLES / "data.mdb").relative_to(ROOT)
    assert place.parts[0] == "segrec"
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()]
    assert [part for part in place.parts if any(fnmatch(part, pattern) for pattern in ignored)] == []
    assert README.relative_to(ROOT).as_posix() in project["project"]["license-files"]
    assert "CC-BY-4.0" in project["project"]["license"]

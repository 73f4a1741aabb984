"""Reading many pictures keeps little in memory."""

from __future__ import annotations

import numpy as np
import pytest
from printed_words import printed

from segrec.jobs import read_pictures
from segrec.jobs.read_pictures import Reading
from segrec.pages.inputs import Source
from segrec.pages.word import Word


class Announced:
    """Stands for a reader; says when it reads."""

    def __init__(self, events: list[str]) -> None:
        self._events = events

    def read(self, crops, **options):
        self._events.append(f"read {len(crops)}")
        return [Word("open", 1.0, (), np.zeros(crop.shape[:2], np.float32)) for crop in crops]

    def read_page(self, image, *arguments, **options):
        self._events.append("read a page")
        return []


@pytest.mark.parametrize(("kind", "said"), [("crop", "read 2"), ("page", "read a page")])
def test_what_reading_took_is_given_back_before_a_word_is_handed_on(monkeypatch, kind, said):
    events: list[str] = []
    monkeypatch.setattr(read_pictures, "give_back_freed", lambda: events.append("given back"))
    sources = [Source(name, lambda: printed("open")) for name in "ab"]
    found = read_pictures.read_pictures(Announced(events), sources, Reading(kind=kind))
    assert next(found).name == "a" and events == [said, "given back"]
    assert [picture.name for picture in found] == ["b"]

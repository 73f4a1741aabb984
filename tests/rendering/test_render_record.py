"""What rendered data says about what it was rendered with."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from segrec.core.errors import DataError
from segrec.data.words import WordWriter
from segrec.jobs.info import describe
from segrec.rendering.record import RENDER_KEY, RenderRecord, files_digest
from segrec.rendering.words import RenderSources, WordRenderer
from segrec.rendering.writing import render_scenes, render_words


def test_words_and_scenes_say_what_they_were_rendered_with(sources, tmp_path):
    render_words(tmp_path / "words", 2, seed=3, sources=sources, masks=False, style="signs")
    record = RenderRecord.of(tmp_path / "words")
    assert record == WordRenderer(3, sources, style="signs").record
    assert (record.style, record.seed, record.fonts, record.words, record.backgrounds) == ("signs", 3, 1, 6, 0)
    render_scenes(tmp_path / "scenes", 1, seed=4, sources=sources)
    for folder, rendered in (("words", "style signs, seed 3"), ("scenes", "style mixed, seed 4")):
        facts = describe(tmp_path / folder).facts
        assert facts["rendered"] == rendered and facts["background photographs"] == "none"
        assert facts["fonts"] == f"1, digest {record.fonts_digest}"
        assert facts["lexicon"] == f"6 words, digest {record.words_digest}"


def test_text_free_scenes_name_no_fonts(sources, tmp_path):
    render_scenes(tmp_path, 1, seed=4, sources=sources, text_free=True)
    facts = describe(tmp_path).facts
    assert facts["rendered"] == "style text-free, seed 4" and "fonts" not in facts


def test_other_fonts_have_another_digest_wherever_they_lie(sources, font_file, tmp_path):
    before = WordRenderer(3, sources).record
    shutil.copy(font_file, tmp_path / font_file.name)
    moved = WordRenderer(3, replace(sources, fonts=[tmp_path])).record
    assert moved == before
    shutil.copy(font_file, tmp_path / "other.ttf")
    more = WordRenderer(3, replace(sources, fonts=[tmp_path])).record
    assert more.fonts == 2 and more.fonts_digest != before.fonts_digest
    with pytest.raises(DataError, match=r"cannot read .*gone\.ttf: .*; check --fonts and --backgrounds"):
        files_digest([tmp_path / "gone.ttf"])


def test_words_that_were_not_rendered_have_no_record_and_a_damaged_one_is_named(tmp_path):
    with WordWriter(tmp_path / "plain") as writer:
        writer.add(b"picture", "text")
    assert RenderRecord.of(tmp_path / "plain") is None
    with WordWriter(tmp_path / "damaged") as writer:
        writer.add(b"picture", "text")
        writer.note(RENDER_KEY, b'{"style": "mixed"}')
    with pytest.raises(DataError, match=r"the record of its rendering is damaged .*; render it again"):
        RenderRecord.of(tmp_path / "damaged")


def test_sources_left_out_are_recorded_too(font_file):
    assert WordRenderer(0, RenderSources(fonts=[font_file])).record.words > 100

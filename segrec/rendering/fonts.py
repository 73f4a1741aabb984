"""The fonts of this machine that can write legible Latin letters and digits."""

from __future__ import annotations

import math
import os
import string
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

from segrec.core.errors import DataError

SUFFIXES = (".ttf", ".otf", ".ttc", ".t1", ".pfb")
PROBE = "ABDEGHKMRSTXabdeghkmnrty2345"
LEGIBLE_SHARE = 0.35
"""Share of the probe's characters whose nearest template must be the right one for a font to be used."""
LATIN_ONLY = "DGRSXbghmnrty"
"""Of the probe, the letters that a font of Greek symbols draws otherwise; a font of Latin letters gets some right."""
LATIN_SHARE = 0.25
MAX_REDRAWS = 200
_LARGEST = 400
"""Pixels that an ASCII character of a legible font may reach at 24 pixels per em."""
_SIDE = 12
"""Pixels of the square to which a glyph is scaled."""


def system_font_folders() -> list[Path]:
    """Return the folders where this operating system keeps fonts, those that exist."""
    home = Path.home()
    if sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    elif sys.platform == "win32":
        folders = [
            Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts",
            home / "AppData/Local/Microsoft/Windows/Fonts",
        ]
    else:
        folders = [
            Path("/usr/share/fonts"),
            Path("/usr/local/share/fonts"),
            home / ".fonts",
            home / ".local/share/fonts",
        ]
    return [folder for folder in folders if folder.is_dir()]


class FontBook:
    """A set of legible fonts to draw from; packages with many faces do not crowd out the others.

    Whether a font is legible is found out when it is first drawn, so that a book of a thousand fonts opens at once.

    Args:
        folders: folders or font files to search; None or empty stands for the system's own folders. When no font is
            found there, Pillow's built-in font is the only one.

    Raises:
        DataError: a named folder or file does not exist or holds no font file.
    """

    def __init__(self, folders: Sequence[str | os.PathLike[str]] | None = None) -> None:
        roots = [Path(folder) for folder in folders] if folders else system_font_folders()
        self.paths = [str(file) for file in sorted(_font_files(roots))]
        if folders and not self.paths:
            raise DataError(f"no font in {', '.join(map(str, folders))}; name a folder of .ttf or .otf files")
        self._weights = _folder_weights(self.paths)

    def __len__(self) -> int:
        return max(1, len(self.paths))

    def pick(self, rng: np.random.Generator, size: int) -> Any:
        """Return a random legible font at `size` pixels per em."""
        for _ in range(MAX_REDRAWS if self.paths else 0):
            path = self.paths[int(np.searchsorted(self._weights, rng.random()))]
            if legible(path):
                return load_font(path, size)
        return load_font("", size)


def _font_files(roots: Iterable[Path]) -> set[Path]:
    found: set[Path] = set()
    for root in roots:
        if not root.exists():
            raise DataError(f"no font folder or file at {root}; check --fonts")
        candidates = root.rglob("*") if root.is_dir() else [root]
        found.update(file for file in candidates if file.suffix.lower() in SUFFIXES and file.is_file())
    return found


def _folder_weights(paths: Sequence[str]) -> NDArray[np.float64]:
    """Return cumulated weights: a folder of n faces counts as the square root of n."""
    folders = [os.path.dirname(path) for path in paths]
    sizes = Counter(folders)
    weights = np.cumsum([1 / math.sqrt(sizes[folder]) for folder in folders])
    return weights / weights[-1] if len(weights) else weights


@lru_cache(maxsize=4096)
def load_font(path: str, size: int) -> Any:
    """Return the font file at a size; the empty path is Pillow's built-in font."""
    if not path:
        return ImageFont.load_default(size)
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@cache
def legible(path: str) -> bool:
    """Return whether a font's letters and digits look like themselves rather than like symbols or blanks.

    Each glyph is scaled to a small square and matched to the built-in font's upright and slanted glyphs; a character
    counts as right when the nearest template is that letter in either case.
    """
    try:
        font = load_font(path, 24)
        if any(max(map(abs, font.getbbox(letter))) > _LARGEST for letter in string.printable[:95]):
            return False  # it would be given gigabytes, at larger sizes
        glyphs = _glyph_vectors(font)
    except (OSError, ValueError):
        return False
    if glyphs is None or _same(glyphs[-1], glyphs[-2]):
        return False
    nearest = (glyphs @ _templates().T).argmax(axis=1) % len(PROBE)
    right = [wanted for found, wanted in zip(nearest, PROBE, strict=True) if PROBE[found].lower() == wanted.lower()]
    latin = set(right) & set(LATIN_ONLY)
    return len(right) >= LEGIBLE_SHARE * len(PROBE) and len(latin) >= LATIN_SHARE * len(LATIN_ONLY)


def written(text: str, font: Any, *, anchor: str | None = None) -> tuple[Image.Image, tuple[int, int]]:
    """Return a text's ink as a grey picture, 0..255, and how far (x, y) it lies from the point of writing in pixels.

    Args:
        font: a Pillow FreeType font.
        anchor: where the point of writing lies on the text, as Pillow names it; None for its upper left.

    Raises:
        DataError: it is larger than any picture.
    """
    try:
        mask, offset = font.getmask2(text, mode="L", anchor=anchor)
    except Image.DecompressionBombError as error:
        raise DataError(f"{font.path} draws {text[:40]!r} as large as no picture; leave that font out") from error
    ink = Image.new("L", mask.size)
    if mask.size[0] and mask.size[1]:
        ink.im.paste(mask, (0, 0, *mask.size))  # from Pillow's memory to a picture; `bytes(mask)` asks for each pixel
    return ink, offset


def _same(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Return whether two different digits share one picture, as the box for missing glyphs does."""
    return bool(first @ second > 0.999)


@lru_cache(maxsize=1)
def _templates() -> NDArray[np.float64]:
    sets = [_glyph_vectors(load_font("", 24), slant) for slant in (0.0, 0.25)]
    return np.concatenate([glyphs for glyphs in sets if glyphs is not None])


def _glyph_vectors(font: Any, slant: float = 0.0) -> NDArray[np.float64] | None:
    """Return one unit vector a character of PROBE, (28, 145), or None when a glyph is blank or huge."""
    sheet, proportions = Image.new("L", (_SIDE, _SIDE * len(PROBE))), []
    for number, character in enumerate(PROBE):
        glyph, _ = written(character, font)
        width, height = glyph.size
        if not 0 < width < 200 or not 0 < height < 200:
            return None
        if slant:
            wider = width + round(slant * height)
            glyph = glyph.transform((wider, height), Image.Transform.AFFINE, (1, slant, -slant * height, 0, 1, 0))
        box = glyph.getbbox()
        if box is None:
            return None
        sheet.paste(glyph.crop(box).resize((_SIDE, _SIDE), Image.Resampling.BOX), (0, _SIDE * number))
        proportions.append(2 * math.log((box[2] - box[0]) / (box[3] - box[1])))
    small = np.asarray(sheet, dtype=np.float64).reshape(len(PROBE), _SIDE * _SIDE) / 255
    rows = np.column_stack([small - small.mean(axis=1, keepdims=True), proportions])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

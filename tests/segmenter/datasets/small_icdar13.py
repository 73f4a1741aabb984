"""A small ICDAR-2013 segmentation set in the release's layout, written by the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WORDS = ("Exit", "Gate 7")
COLOURS = ((200, 30, 40), (10, 120, 200), (90, 160, 20), (250, 180, 0), (120, 0, 160), (0, 80, 90))


def write_scene(
    root: Path, name: str, *, split: str = "Training", size: tuple[int, int] = (96, 160), boxes: str | None = None
) -> None:
    """Write one picture with two words, its painted characters and their list; `boxes` adds `gt_<name>.txt`."""
    height, width = size
    picture = Image.new("RGB", (width, height), (215, 205, 190))
    painted = np.full((height, width, 3), 255, dtype=np.uint8)
    lines: list[str] = []
    for row, word in enumerate(WORDS):
        font = ImageFont.load_default(height // 4)
        left = width / 12
        for character in word:
            if character == " ":
                lines.append("")
                left += width / 16
                continue
            place = (left, height * (0.15 + 0.45 * row))
            ink = Image.new("L", (width, height))
            ImageDraw.Draw(ink).text(place, character, fill=255, font=font)
            picture.paste((40, 30, 60), mask=ink)
            strokes = np.asarray(ink) > 127
            colour = COLOURS[len(lines) % len(COLOURS)]
            painted[strokes] = colour
            rows, columns = np.nonzero(strokes)
            box = (columns.min(), rows.min(), columns.max(), rows.max())
            centre = (columns.mean().astype(int), rows.mean().astype(int))
            lines.append(" ".join(str(number) for number in (*colour, *centre, *box)) + f' "{character}"')
            left += font.getlength(character) + 2
        lines.append("")
    images, truth = root / f"Challenge2_{split}_Task12_Images", root / f"Challenge2_{split}_Task2_GT"
    for folder in (images, truth):
        folder.mkdir(parents=True, exist_ok=True)
    picture.save(images / f"{name}.jpg", quality=95)
    Image.fromarray(painted).save(truth / f"{name}_GT.bmp")
    (truth / f"{name}_GT.txt").write_text("\r\n".join(lines), encoding="utf-8", newline="")
    if boxes is not None:
        words = root / f"Challenge2_{split}_Task1_GT"
        words.mkdir(exist_ok=True)
        (words / f"gt_{name}.txt").write_text(boxes, encoding="utf-8")

"""The picture of the front page: rendered crops, their masks, and readings without and with the mask."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import click
import lmdb
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import segrec
from segrec.core.files import write_json
from segrec.weights import SEGMENTER, shipped_names

CELL = (64, 200)
"""(height, width) of a crop or mask in the picture."""
GAP, HEAD, TEXT_WIDTH = 12, 34, 170
COLUMNS = ("crop", "text mask", "without the mask", "with the mask")
INK, RIGHT, WRONG = (36, 41, 47), (26, 127, 55), (207, 34, 46)


class Row(NamedTuple):
    """One word of the picture.

    Attributes:
        crop: (H, W, 3) uint8 RGB.
        mask: (H, W) float32 in [0, 1].
        before, after: the readings without and with the mask, each with whether it is right.
    """

    crop: np.ndarray
    mask: np.ndarray
    before: tuple[str, bool]
    after: tuple[str, bool]


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=Path("docs/images/front.png"), show_default=True)
@click.option("--model", default="crnn-slim", show_default=True, help="Shipped plain weights whose variants read.")
@click.option("--segmenter", default=SEGMENTER, show_default=True)
@click.option("--style", default="hard", show_default=True, help="Of `segrec render words`.")
@click.option("--count", default=1000, show_default=True, help="Words to render and read.")
@click.option("--repaired", default=4, show_default=True, help="Words to show that the mask repaired.")
@click.option("--broken", default=1, show_default=True, help="Words to show that the mask broke.")
@click.option("--seed", default=40, show_default=True, help="Of the rendered words.")
def main(
    output: Path, model: str, segmenter: str, style: str, count: int, repaired: int, broken: int, seed: int
) -> None:
    """Render words, read them without and with masks, and draw some that the mask repaired and broke."""
    control = f"{model}-none" if f"{model}-none" in shipped_names() else model
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder) / "words"
        render = ["render", "words", "--count", str(count), "--seed", str(seed), "--style", style, "--no-masks"]
        subprocess.run(
            [sys.executable, "-m", "segrec", *render, "--output", str(words), "--quiet"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        crops = _crops(words, count)
        before = _outcomes(words, control, "none", segmenter)
        after = _outcomes(words, f"{model}-predicted", "predicted", segmenter)
        pairs = list(zip(before, after, strict=True))
        better = [pair for pair in pairs if pair[1].correct and not pair[0].correct]
        worse = [pair for pair in pairs if pair[0].correct and not pair[1].correct]
        shown = [*better[:repaired], *worse[:broken]]
    if not shown:
        raise click.ClickException(f"the two read {count} words alike; raise --count")
    crops = [crops[first.index - 1] for first, _ in shown]
    masks = [found.text for found in segrec.Segmenter.from_pretrained(segmenter).predict(crops)]
    rows = [
        Row(crop, mask, (first.text, first.correct), (second.text, second.correct))
        for crop, mask, (first, second) in zip(crops, masks, shown, strict=True)
    ]
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(rows).quantize(128).save(output, optimize=True)
    figures = {
        **{"words": count, "style": style, "seed": seed, "repaired": len(better), "broken": len(worse)},
        "accuracy": {control: _right(before), f"{model}-predicted": _right(after)},
    }
    write_json(output.with_suffix(".json"), figures)
    click.echo(f"{output}, and its figures beside it: {figures}")


def draw(rows: list[Row]) -> Image.Image:
    """Return the picture, a line a word under a line of headings."""
    height, width = CELL
    lefts = [GAP, 2 * GAP + width, 3 * GAP + 2 * width, 4 * GAP + 2 * width + TEXT_WIDTH]
    size = (lefts[-1] + TEXT_WIDTH + GAP, HEAD + len(rows) * (height + GAP))
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    for left, title in zip(lefts, COLUMNS, strict=True):
        pen.text((left, 9), title, fill=INK, font=ImageFont.load_default(15))
    for number, row in enumerate(rows):
        top = HEAD + number * (height + GAP)
        picture.paste(_fitted(row.crop), (lefts[0], top))
        picture.paste(_fitted(np.round(255 * row.mask).astype(np.uint8)), (lefts[1], top))
        for left, (text, right) in zip(lefts[2:], (row.before, row.after), strict=True):
            font = ImageFont.load_default(22)
            while font.size > 10 and font.getlength(text) > TEXT_WIDTH:
                font = ImageFont.load_default(font.size - 1)
            pen.text(
                (left, top + height // 2), text or "(nothing)", fill=RIGHT if right else WRONG, font=font, anchor="lm"
            )
    return picture


def _fitted(picture: np.ndarray) -> Image.Image:
    """Return a crop or mask within a cell, its shape kept, on light grey."""
    height, width = CELL
    image = Image.fromarray(picture)
    scale = min(height / image.height, width / image.width)
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    cell = Image.new("RGB", (width, height), (238, 240, 242))
    cell.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    return cell


def _outcomes(words: Path, weights: str, mask: str, segmenter: str) -> list:
    asked = segrec.Evaluation(data={"words": str(words)}, mask=[mask], model=weights, segmenter=segmenter)
    return segrec.evaluate(asked)[0].scored.outcomes


def _right(outcomes: list) -> float:
    return sum(outcome.correct for outcome in outcomes) / len(outcomes)


def _crops(words: Path, count: int) -> list[np.ndarray]:
    """Return the crops of a database in the standard layout, which segrec must not have opened in this process yet."""
    with lmdb.open(str(words), readonly=True, lock=False) as database, database.begin() as transaction:
        pictures = [transaction.get(b"image-%09d" % (position + 1)) for position in range(count)]
    return [np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")) for picture in pictures]


if __name__ == "__main__":
    main()

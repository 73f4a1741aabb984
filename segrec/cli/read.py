"""`segrec read`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segrec.cli.common import check_names, common_options
from segrec.weights import READER, SEGMENTER

if TYPE_CHECKING:
    from segrec.core.images import Array
    from segrec.reader import Reader, Word

BATCH = 64
LARGEST_CROP = 1 << 19
"""Pixels of a picture that is surely no crop of one word."""
DRAWN = ".reading.png"


@click.command("read")
@click.argument("images", nargs=-1, required=True, type=click.Path())
@click.option("--model", default=READER, show_default=True, help="Shipped name, run or weights.")
@click.option("--segmenter", default=SEGMENTER, show_default=True, help="Shipped name, run or weights.")
@click.option("--beam", type=click.IntRange(1), help="Read with a beam search that keeps so many prefixes.")
@click.option("--lexicon", type=click.Path(), help="A file of the words that readings may be, one a line.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="One line an image, or a JSON list.",
)
@click.option("--draw", type=click.Path(), help="Folder for pictures NAME.reading.png of how each word is read.")
@common_options(seed=False)
def command(
    images: tuple[str, ...],
    model: str,
    segmenter: str,
    beam: int | None,
    lexicon: str | None,
    output_format: str,
    draw: str | None,
    device: str,
) -> None:
    """Read pictures of single words.

    A picture that looks like a scene is read as one word too, with a warning. A file that cannot be read is reported
    and the others are still read; the exit code is then 1. What --draw writes shows rectification and attention, or
    the frames of CTC, of a greedy reading.
    """
    from recognizers.lexicon import Lexicon
    from segrec.core.errors import DataError
    from segrec.core.images import read_image
    from segrec.evaluation.scoring import LabelRule
    from segrec.reader import Reader

    if draw is not None:
        check_names(images, DRAWN)
    words_of = None if lexicon is None else Lexicon.from_file(lexicon, LabelRule())
    reader = Reader.from_pretrained(model, segmenter=segmenter, device=device, beam=beam)
    rows: list[dict[str, object]] = []
    for start in range(0, len(images), BATCH):
        crops, problems = {}, {}
        for path in images[start : start + BATCH]:
            try:
                crops[path] = read_image(path)
            except DataError as error:
                problems[path] = str(error)
        _warn_of_scenes(crops)
        words = dict(zip(crops, reader.read(list(crops.values()), lexicon=words_of), strict=True))
        if draw is not None:
            _draw(reader, crops, Path(draw))
        for path in images[start : start + BATCH]:
            rows.append({"image": path, "error": problems[path]} if path in problems else _row(path, words[path]))
    if output_format == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for row in rows:
            click.echo(f"{row['image']}\t{row.get('text', '')}\t{row.get('confidence', 'error')}")
    failed = [str(row["error"]) for row in rows if "error" in row]
    if failed:
        raise DataError(f"{len(failed)} of {len(images)} images were not read, the first: {failed[0]}")


def _row(path: str, word: Word) -> dict[str, object]:
    return {
        "image": path,
        "text": word.text,
        "confidence": round(word.confidence, 4),
        "character_confidences": [round(value, 4) for value in word.character_confidences],
    }


def _warn_of_scenes(crops: Mapping[str, Array]) -> None:
    from segmenter.preprocess import SCENE_HEIGHT
    from segrec.core.runlog import LOGGER

    for path, crop in crops.items():
        height, width = crop.shape[:2]
        if height > SCENE_HEIGHT or height * width > LARGEST_CROP:
            LOGGER.warning(
                "%s has %d x %d pixels and looks like a scene, but is read as a single word; cut its words out first, "
                "or give a detector's polygons to segrec.Reader.read_regions",
                path,
                width,
                height,
            )


def _draw(reader: Reader, crops: Mapping[str, Array], folder: Path) -> None:
    """Write how each crop is read; the keys are the pictures' paths."""
    from segrec.core.files import atomic_path
    from segrec.core.images import encode_png
    from segrec.reports.drawing import draw_reading

    for path, crop in crops.items():
        with atomic_path(folder / f"{Path(path).stem}{DRAWN}") as partial:
            partial.write_bytes(encode_png(draw_reading(reader.explain(crop))))

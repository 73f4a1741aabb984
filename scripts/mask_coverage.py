"""How many words a mask network leaves blank or floods, and a sheet of crops beside their masks to look at."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from PIL import Image

from segrec import Segmenter
from segrec.core.images import Array, resize
from segrec.data.words import WordLmdb
from segrec.weights import SEGMENTER

BLANK, FLOODED = 0.01, 0.6
"""Shares of a crop's pixels below and above which a mask is not that of a word."""
CELL = (40, 150)
"""(height, width) of a picture on the sheet."""


@click.command()
@click.argument("words", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--segmenter", default=SEGMENTER, show_default=True)
@click.option("--limit", type=click.IntRange(1), help="Only the first words of each database.")
@click.option("--sheet", type=click.Path(path_type=Path), help="PNG to write: every Nth crop beside its mask.")
@click.option("--every", type=click.IntRange(1), default=20, show_default=True, help="The N of --sheet.")
def main(words: tuple[str, ...], segmenter: str, limit: int | None, sheet: Path | None, every: int) -> None:
    """Print the share of words whose masks cover less than 1% or more than 60% of their crops."""
    network = Segmenter.from_pretrained(segmenter)
    cells = []
    for path in words:
        database = WordLmdb(path)
        coverage = []
        for start in range(0, min(limit or len(database), len(database)), 256):
            positions = range(start, min(start + 256, limit or len(database), len(database)))
            images = [image for position in positions if (image := database[position].image) is not None]
            masks = network.predict_text(images)
            coverage += [float((mask >= 0.5).mean()) for mask in masks]
            cells += [_cell(image, mask) for image, mask in zip(images[::every], masks[::every], strict=True)]
        shares = np.array(coverage)
        click.echo(
            f"{path}: n {len(shares)}, under {BLANK:.0%} {(shares < BLANK).mean():.2%}, "
            f"over {FLOODED:.0%} {(shares > FLOODED).mean():.2%}, mean {shares.mean():.1%}"
        )
    if sheet is not None:
        _write(cells, sheet)


def _cell(image: Array, mask: np.ndarray) -> Array:
    """Return the crop beside its mask, (40, 300, 3) uint8."""
    shown = np.repeat(np.round(mask * 255).astype(np.uint8)[:, :, None], 3, axis=2)
    return np.hstack([resize(part, CELL, "bilinear") for part in (image, shown)])


def _write(cells: list[Array], path: Path, columns: int = 4) -> None:
    blank = np.zeros_like(cells[0])
    cells = cells + [blank] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    Image.fromarray(np.vstack(rows)).save(path)


if __name__ == "__main__":
    main()

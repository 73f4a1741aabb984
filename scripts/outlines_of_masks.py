"""Give photographs whose words are marked by shrunk masks the outlines of these words, in the layout of ICDAR-2015."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.datasets.base import check_size, pictures, read_mask, read_stored
from segrec.core.errors import SegrecError
from segrec.core.files import write_bytes, write_text
from segrec.core.images import Array, encode_jpeg, resize
from segrec.core.printable import printable

LEAST = 6
"""Pixels of a mark; smaller ones are left out."""
UNREAD = "?"
"""The transcription of a word of which only the place is known."""


@click.command()
@click.argument("images", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("masks", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--grow", default=1.42, show_default=True, help="How many times the marks' sides the words' are.")
@click.option("--longest-side", type=click.IntRange(16), help="Larger photographs are shrunk to it.")
@click.option("--without", multiple=True, metavar="STEM", help="A photograph to leave out.  [repeatable]")
def main(
    images: Path, masks: Path, output: Path, grow: float, longest_side: int | None, without: tuple[str, ...]
) -> None:
    """Write IMAGES, marked by the pictures of equal names in MASKS, to OUTPUT/images with OUTPUT/gt.

    Each connected mark becomes the rectangle of least area around it, --grow times as large: word detectors are
    trained on words shrunk about their centre.
    """
    try:
        count = words = 0
        marks = pictures(masks)
        for name, path in pictures(images).items():
            if name in without or name not in marks:
                continue
            image = read_stored(path)
            mask = check_size(read_mask(marks[name]), image, mask_path=marks[name], image_path=path)
            scale = 1.0 if longest_side is None else min(1.0, longest_side / max(mask.shape))
            size = round(mask.shape[0] * scale), round(mask.shape[1] * scale)
            found = [corners * scale for corners in rectangles(mask, grow)]
            shrunk = np.asarray(resize(image, size, "area"), np.uint8) if scale < 1 else image
            write_bytes(output / "images" / f"{name}.jpg", encode_jpeg(shrunk, 92))
            write_text(output / "gt" / f"gt_{name}.txt", "".join(line_of(corners, size) for corners in found))
            count, words = count + 1, words + len(found)
    except SegrecError as error:
        raise click.ClickException(printable(str(error))) from error
    click.echo(f"{output}: {count} photographs, {words} words")


def rectangles(mask: Array, grow: float) -> Iterator[NDArray[np.float32]]:
    """Yield the corners (4, 2) of the grown rectangle around each mark, x and y in pixels."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((mask > 127).astype(np.uint8), connectivity=4)
    for number in range(1, count):
        left, top, width, height, area = boxes[number].tolist()
        if area >= LEAST:
            places = np.argwhere(labels[top : top + height, left : left + width] == number)[:, ::-1] + (left, top)
            centre, (across, down), angle = cv2.minAreaRect(places.astype(np.float32))
            corners = cv2.boxPoints((centre, ((across + 1) * grow, (down + 1) * grow), angle))
            yield np.asarray(corners, np.float32)


def line_of(corners: NDArray[np.float32], size: tuple[int, int]) -> str:
    """Return the line of a word in a ground truth of ICDAR-2015; corners outside the picture are moved to its edge."""
    inside = np.clip(corners, 0, (size[1] - 1, size[0] - 1)).round().astype(int)
    return ",".join(map(str, [*inside.ravel(), UNREAD])) + "\n"


if __name__ == "__main__":
    main()

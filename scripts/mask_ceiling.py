"""Which F1 exact masks of rendered words keep at a network's working height, and some of a pixel off their place."""

from __future__ import annotations

from collections.abc import Iterator

import click
import numpy as np
from numpy.typing import NDArray

from segmenter.metrics.pixels import PixelScore
from segmenter.preprocess import rescale, working_size
from segrec.core.errors import SegrecError
from segrec.core.images import opencv
from segrec.data.masked_images import MaskedWords

MOVES = (0.25, 0.5)
"""Pixels of the word's own picture by which its exact mask is moved to the right."""


def ceilings(words: str, height: int) -> dict[str, PixelScore]:
    """Return the scores of exact masks against themselves by what was done to them.

    Args:
        words: rendered words with their exact masks.
        height: the working height, to which each soft mask is resampled, and back.

    Raises:
        DataError: the words cannot be read.
    """
    soft, exact = MaskedWords(words, soft=True), MaskedWords(words)
    scores: dict[str, PixelScore] = {}
    for position in range(len(soft)):
        truth, shares = exact.sample(position).text, soft.sample(position).text
        assert truth is not None and shares is not None
        for name, mask in _changed(shares.astype(np.float32) / 255, height):
            scores.setdefault(name, PixelScore()).add(mask >= 0.5, truth == 255)
    return scores


def _changed(mask: NDArray[np.float32], height: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    size = (mask.shape[0], mask.shape[1])
    yield f"at height {height} and back", rescale(rescale(mask, working_size(size, height=height)), size)
    cv2 = opencv()
    for move in MOVES:
        matrix = np.array([[1, 0, move], [0, 1, 0]], np.float64)
        moved = cv2.warpAffine(mask, matrix, size[::-1], borderMode=cv2.BORDER_REPLICATE)
        yield f"{move:g} pixels to the right", np.asarray(moved, np.float32)


@click.command()
@click.argument("words", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--height", default=32, show_default=True, help="Working height of the network.")
def main(words: tuple[str, ...], height: int) -> None:
    """Print which mean F1 the exact masks of rendered WORDS have at a working height and slightly off their place.

    No network at that height can be expected to score higher than the first; the others tell how far off a score is.
    """
    try:
        for path in words:
            for name, score in ceilings(path, height).items():
                click.echo(f"{path}: n {score.images}, {name}: F1 {score.f1:.1%}")
    except SegrecError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()

"""Score what finds the words of photographs: `read_page` alone, and RapidOCR's detector beside it.

python scripts/score_finders.py SCENES --limit 100, where SCENES has images/ and gt/gt_NAME.txt in ICDAR-2015's format.
A found word is right where it and a true one, not yet matched, share at least half of their union; words marked ### are
left out, and so is what is found on them. RapidOCR finds lines, which match words only where a line has one; they are
scored as they are and cut into words.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from segrec.core.images import Array, opencv, read_image
from segrec.core.tables import markdown_table
from segrec.pages.finder import Finding
from segrec.pages.lines import words_of_lines
from segrec.pages.quadrangles import Points, clockwise
from segrec.pages.rapidocr_detector import RapidDetector
from segrec.reader import Reader

OVERLAP = 0.5
Finder = Callable[[Array], list[tuple[Points, float]]]
OWN, SURE = "`read_page`", (0.0, 0.1, 0.3, 0.5)
"""The own finder, and confidences of reading from which its words count."""


class Score(NamedTuple):
    """Counts of found, true and matched words."""

    matched: int = 0
    found: int = 0
    true: int = 0

    def plus(self, matched: int, found: int, true: int) -> Score:
        """Return the counts with those of one more picture."""
        return Score(self.matched + matched, self.found + found, self.true + true)

    def cells(self) -> list[str]:
        """Return recall, precision and F1 in per cent, and the number found."""
        recall, precision = self.matched / max(1, self.true), self.matched / max(1, self.found)
        f1 = 2 * recall * precision / max(recall + precision, 1e-9)
        return [*(f"{100 * share:.1f}" for share in (recall, precision, f1)), str(self.found)]


def read_truth(path: Path) -> tuple[list[Points], list[Points]]:
    """Return the outlines of words to be found, and of those that are left out."""
    wanted: list[Points] = []
    ignored: list[Points] = []
    for line in path.read_text("utf-8-sig").splitlines():
        parts = line.split(",", 8)
        if len(parts) == 9:
            outline = clockwise(np.array([float(part) for part in parts[:8]], np.float32).reshape(4, 2))
            (ignored if parts[8].strip() == "###" else wanted).append(outline)
    return wanted, ignored


def overlap(one: Points, other: Points) -> tuple[float, float]:
    """Return the intersection over the union, and over the area of the first."""
    cv2 = opencv()
    shared = cv2.intersectConvexConvex(one, other)[0]
    first, second = cv2.contourArea(one), cv2.contourArea(other)
    return shared / max(first + second - shared, 1e-6), shared / max(first, 1e-6)


def count(found: list[Points], wanted: list[Points], ignored: list[Points]) -> tuple[int, int, int]:
    """Return how many words are matched, found and true."""
    found = [one for one in found if not any(overlap(one, other)[1] > OVERLAP for other in ignored)]
    pairs = sorted(
        ((overlap(one, other)[0], i, j) for i, one in enumerate(found) for j, other in enumerate(wanted)), reverse=True
    )
    left, right = set(range(len(found))), set(range(len(wanted)))
    for share, one, other in pairs:
        if share >= OVERLAP and one in left and other in right:
            left.remove(one)
            right.remove(other)
    return len(wanted) - len(right), len(found), len(wanted)


def finders(reader: Reader, *, with_rapidocr: bool) -> dict[str, Finder]:
    """Return what is compared, by name; each gives outlines and how sure it is of them."""

    def own(image: Array) -> list[tuple[Points, float]]:
        words = reader.read_page(image, finding=Finding(confidence=0.0))
        return [(word.polygon, word.confidence) for word in words if word.polygon is not None]

    compared: dict[str, Finder] = {OWN: own}
    if with_rapidocr:
        detector = RapidDetector()
        compared["RapidOCR's detector, lines"] = lambda image: [(outline, 1.0) for outline in detector(image)]

        def cut(image: Array) -> list[tuple[Points, float]]:
            words = words_of_lines(reader._networks.text_masks, image, detector(image), finding=Finding())
            return [(outline, 1.0) for outline in words]

        compared["RapidOCR's detector, lines cut into words"] = cut
    return compared


@click.command()
@click.argument("scenes", type=click.Path(exists=True, path_type=Path))
@click.option("--first", default=0, show_default=True, help="Pictures to leave out at the beginning, by number.")
@click.option("--limit", default=100, show_default=True, help="Pictures.")
@click.option("--rapidocr/--no-rapidocr", default=True, show_default=True, help="Score RapidOCR's detector too.")
def main(scenes: Path, first: int, limit: int, rapidocr: bool) -> None:
    """Print recall, precision and F1 of each finder on SCENES."""
    pictures = sorted((scenes / "images").iterdir(), key=lambda path: (len(path.stem), path.stem))
    compared = finders(Reader.from_pretrained(device="cpu"), with_rapidocr=rapidocr)
    least = {name: SURE if name == OWN else (0.0,) for name in compared}
    scores = {(name, sure): Score() for name in compared for sure in least[name]}
    seconds = dict.fromkeys(compared, 0.0)
    chosen = pictures[first : first + limit]
    for path in chosen:
        wanted, ignored = read_truth(scenes / "gt" / f"gt_{path.stem}.txt")
        image = read_image(path)
        for name, find in compared.items():
            begin = time.process_time()
            found = find(image)
            seconds[name] += time.process_time() - begin
            for sure in least[name]:
                outlines = [clockwise(outline) for outline, confidence in found if confidence >= sure]
                scores[name, sure] = scores[name, sure].plus(*count(outlines, wanted, ignored))
    true = next(iter(scores.values())).true
    print(f"{len(chosen)} pictures, {true} words\n")
    head = ["finder", "read with at least", "recall", "precision", "F1", "found", "CPU s per picture"]
    rows = [
        [name, str(sure), *score.cells(), f"{seconds[name] / max(1, len(chosen)):.2f}"]
        for (name, sure), score in scores.items()
    ]
    print(markdown_table(head, rows, numbers=6), end="")


if __name__ == "__main__":
    main()

"""The paper's figures of masks and words, of rows that are finished; which pictures are shown is decided by rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reproduction.published import TABLES
from reproduction.recipes import Recipe
from reproduction.record import Reproduction
from reproduction.rows import Result, segmenter_of
from reproduction.sheets import Cell, draw_sheet
from segmenter.augment import SegmentationSample
from segmenter.metrics import PixelCounts
from segrec.core.images import Array
from segrec.evaluation.mask_scoring import ImageScore, TargetScore
from segrec.evaluation.segmenter_result import SegmenterResult
from segrec.reports.curves import draw_curves

OF_TABLE = {
    "fig1": "table2",
    "fig3": "table4a",
    "fig6": "table2",
    "fig7": "table2",
    "fig8": "table4a",
    "fig9": "table4b",
}
"""The table whose rows a figure shows."""

SHOWN = {
    "fig1": ("unet", "smanet", "ours"),
    "fig3": ("beta", "gamma", "ours"),
    "fig6": tuple(printed.key for printed in TABLES["table2"]),
    "fig8": ("alpha-table", "ours"),
}
"""The rows that a figure of masks shows, in order."""


class Shown(NamedTuple):
    """A test picture: the key of its set and its place among the scored pictures."""

    test: str
    place: int


def draw_masks(name: str, recipe: Recipe, found: Reproduction, path: Path) -> None:
    """Write a figure of masks: a line for each picture, its input, the rows' masks with P, R and F1, and the truth.

    Figures 3 and 8 also show the regions, and pictures on which the last row gains most over the first and loses most;
    figures 1 and 6 show pictures at equal distances in the last row's order by F1.

    Args:
        name: `fig1`, `fig3`, `fig6` or `fig8`.
        recipe: of the rows.
        found: its table; rows that it lacks are left out.
        path: a .png file.
    """
    results = {key: found.results[key][0] for key in SHOWN[name] if key in found.results}
    chosen = _chosen(name, recipe, results)
    samples = [_sample(recipe, results, shown) for shown in chosen]
    columns = [[[Cell("input", sample.image)] for sample in samples]]
    for key, result in results.items():
        columns.append(_predicted(key, result, recipe, chosen, samples, regions=name in ("fig3", "fig8")))
    columns.append([[Cell("truth", _text_of(sample))] for sample in samples])
    draw_sheet(path, [[cell for cells in line for cell in cells] for line in zip(*columns, strict=True)])


def draw_spread(recipe: Recipe, found: Reproduction, path: Path) -> None:
    """Write Fig. 7: the share of pictures that have at least a precision, recall and F1, a line for each row."""
    labels = {printed.key: printed.label for printed in TABLES["table2"]}
    results = [
        SegmenterResult(
            segmenter=labels[key],
            weights=str(of_row[0]["weights"]),
            data=recipe.datasets[test].name,
            target="text",
            pictures="scenes",
            threshold=0.5,
            scored=TargetScore(_images(of_row[0]["tests"][test])),
            total=len(of_row[0]["tests"][test]["images"]),
            problems=(),
        )
        for test in recipe.tests
        for key, of_row in found.results.items()
        if test in of_row[0]["tests"]
    ]
    draw_curves(str(path), results)


def _images(of_test: Mapping[str, Any]) -> list[ImageScore]:
    return [
        ImageScore(name, *size, PixelCounts(*counts), 0)
        for name, size, counts in zip(of_test["images"], of_test["sizes"], of_test["counts"], strict=True)
    ]


def _chosen(name: str, recipe: Recipe, results: Mapping[str, Result]) -> list[Shown]:
    """Return the pictures that a figure shows."""
    keys = list(results)
    if not keys:
        return []
    chosen = []
    counts = {"fig1": (1, 0), "fig6": (5, 4)}.get(name, (2, 2))
    for test, count in zip(recipe.tests, counts, strict=True):
        if test not in results[keys[-1]]["tests"]:
            continue
        last, first = (np.array(results[key]["tests"][test]["f1"]) for key in (keys[-1], keys[0]))
        if name in ("fig1", "fig6"):
            order = np.argsort(last, kind="stable")
            places = order[np.linspace(0, len(order) - 1, count + 2).round().astype(int)[1:-1]]
        else:
            order = np.argsort(last - first, kind="stable")
            places = order[[-1, 0]]
        chosen += [Shown(test, int(place)) for place in dict.fromkeys(places.tolist())]
    return chosen


def _sample(recipe: Recipe, results: Mapping[str, Result], shown: Shown) -> SegmentationSample:
    """Return a picture with its masks, found by its name, since pictures that cannot be read are not scored."""
    images = recipe.datasets[shown.test].images
    wanted = next(iter(results.values()))["tests"][shown.test]["images"][shown.place]
    return images.sample(next(place for place in range(len(images)) if images.name(place) == wanted))


def _predicted(
    key: str,
    result: Result,
    recipe: Recipe,
    chosen: Sequence[Shown],
    samples: Sequence[SegmentationSample],
    *,
    regions: bool,
) -> list[list[Cell]]:
    """Return a row's cells of each picture; its network is loaded once, and gone before the next row's."""
    segmenter = segmenter_of(result["weights"], recipe)
    lines = []
    for shown, sample in zip(chosen, samples, strict=True):
        of_test = result["tests"][shown.test]
        scores = [100 * of_test[name][shown.place] for name in ("precision", "recall", "f1")]
        text = segmenter.predict_text([sample.image])[0]
        cells = [Cell(f"{key}\n{scores[0]:.0f} / {scores[1]:.0f} / {scores[2]:.0f}", _seen(text))]
        if regions and segmenter.has_region:
            cells.append(Cell(f"{key}, region", _seen(segmenter.predict([sample.image])[0].region)))
        lines.append(cells)
    return lines


def _text_of(sample: SegmentationSample) -> Array:
    return sample.text if sample.text is not None else np.zeros(sample.image.shape[:2], dtype=np.uint8)


def _seen(probabilities: np.ndarray[Any, Any]) -> Array:
    """Return what counts as text, as a picture."""
    return np.where(probabilities >= 0.5, 255, 0).astype(np.uint8)

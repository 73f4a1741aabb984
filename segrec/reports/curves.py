"""Pictures of how precision, recall and F1 are spread over the images of a dataset (Fig. 7)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segrec.core.errors import ConfigError
from segrec.core.files import atomic_path
from segrec.core.packages import package
from segrec.evaluation.segmenter_result import SegmenterResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg", ".pdf")
FIGURES = {"precision": "Precision", "recall": "Recall", "f1": "F1"}
DRAWING = "drawing needs matplotlib ({reason}); pip install 'segrec[plots]'"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, which the colour-blind can tell apart; beyond them the lines are dashed."""


def check_picture(path: str) -> None:
    """Refuse a picture that cannot be drawn, before the work begins.

    Raises:
        ConfigError: the suffix is not one of `SUFFIXES`.
        LibraryError: matplotlib is missing.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--curves writes {', '.join(SUFFIXES)}, got {path}; name a file with one of these suffixes")
    package("matplotlib.figure", DRAWING)


def draw_curves(path: str, results: Sequence[SegmenterResult]) -> None:
    """Write the picture: a row of panels for each dataset and target, a line for each segmenter.

    The first three panels show the share of images that have at least the precision, recall or F1 on the other axis;
    the area below a line is the mean that the table prints. Whether Fig. 7 has these axes is not stated in the
    paper's text. Where thresholds were swept, a fourth panel shows mean F1 by threshold, the best one marked.

    Args:
        path: a file with one of `SUFFIXES`.
        results: of one evaluation; those without images are left out.

    Raises:
        ConfigError: another suffix.
        DataError: the file cannot be written.
        LibraryError: matplotlib is missing.
    """
    check_picture(path)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    groups: dict[tuple[str, str], list[SegmenterResult]] = {}
    for result in results:
        if result.scored.images:
            groups.setdefault((result.data, result.target), []).append(result)
    columns = 4 if any(result.scored.sweep is not None for result in results) else 3
    rows = max(1, len(groups))
    figure = Figure(figsize=(3.2 * columns, 2.9 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    names = list(dict.fromkeys(result.segmenter for result in results))
    styles = {name: _style(number) for number, name in enumerate(names)}
    for of_row, ((data, target), found) in zip(panels, groups.items(), strict=False):
        _spread_panels(of_row[:3], found, styles, f"{data}, {target}, n = {len(found[0].scored.images)}")
        if columns == 4:
            _threshold_panel(of_row[3], found, styles)
    if groups:
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 4), frameon=False)
    kind = Path(path).suffix.lower()[1:]
    with atomic_path(path) as partial, rc_context({"svg.hashsalt": "segrec", "svg.fonttype": "none"}):
        figure.savefig(partial, format=kind, dpi=150, metadata=None if kind == "png" else _undated(kind))


def _style(number: int) -> dict[str, Any]:
    dashes = ("-", "--", ":", "-.")[number // len(COLOURS) % 4]
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": dashes, "linewidth": 1.6}


def _undated(kind: str) -> dict[str, None]:
    """Return metadata without a date, so that the same scores give the same file."""
    return {"Date": None} if kind == "svg" else {"CreationDate": None}


def _spread_panels(
    panels: Sequence[Axes], found: Sequence[SegmenterResult], styles: dict[str, dict[str, Any]], title: str
) -> None:
    for panel, (figure, label) in zip(panels, FIGURES.items(), strict=True):
        for result in found:
            values, shares = spread([getattr(image.counts, figure) for image in result.scored.images])
            panel.step(values, 100 * shares, where="pre", label=result.segmenter, **styles[result.segmenter])
        _frame(panel, f"{label} of an image")
        panel.set_ylim(-2, 102)
    panels[0].set_ylabel("% of images with at least this")
    panels[0].set_title(title, loc="left", fontsize=10)


def spread(values: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return ascending values from 0 to 1 and the share of images that have at least each of them, both (points,).

    Args:
        values: one figure per image, in [0, 1]; at least one.
    """
    ascending = np.sort(np.asarray(values, dtype=np.float64))
    places = np.unique(np.concatenate([[0.0], ascending, [1.0]]))
    below = np.searchsorted(ascending, places, side="left")
    return places, 1 - below / len(ascending)


def _threshold_panel(panel: Axes, found: Sequence[SegmenterResult], styles: dict[str, dict[str, Any]]) -> None:
    for result in found:
        if result.scored.sweep is not None:
            points, best = result.scored.sweep.points(), result.scored.sweep.best()
            panel.plot(
                [point.threshold for point in points], [point.f1 for point in points], **styles[result.segmenter]
            )
            panel.plot(best.threshold, best.f1, "o", color=styles[result.segmenter]["color"], markersize=5)
    _frame(panel, "Threshold")
    panel.set_ylim(-0.02, 1.02)
    panel.set_title("Mean F1 by threshold", loc="left", fontsize=10)


def _frame(panel: Axes, label: str) -> None:
    panel.set_xlabel(label)
    panel.set_xlim(-0.02, 1.02)
    panel.grid(color="#dddddd", linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)

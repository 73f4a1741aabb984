"""Pictures side by side with a line of text above each, as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from segrec.core.errors import DataError
from segrec.core.files import atomic_path
from segrec.core.images import Array
from segrec.core.packages import package
from segrec.reports.curves import DRAWING


class Cell(NamedTuple):
    """A picture, (H, W, 3) RGB or (H, W) grey uint8, and what stands above it."""

    title: str
    picture: Array


def draw_sheet(path: Path, lines: Sequence[Sequence[Cell]], *, wide: bool = False) -> None:
    """Write the lines of cells as a picture.

    Args:
        path: a .png file.
        lines: the first decides the number of columns; the others may be shorter.
        wide: the cells are word crops, not scenes.

    Raises:
        DataError: there is nothing to draw, or the file cannot be written.
        LibraryError: matplotlib is missing.
    """
    if not lines:
        raise DataError(f"{path}: none of the rows that this figure shows was run; see what is missing above")
    matplotlib = package("matplotlib.figure", DRAWING)
    columns = max(map(len, lines))
    width, height = (3.0, 1.1) if wide else (1.9, 1.9)
    figure = matplotlib.Figure(
        figsize=(width * columns, height * len(lines)), layout="constrained", facecolor="#dddddd"
    )
    panels = figure.subplots(len(lines), columns, squeeze=False)
    for of_line, cells in zip(panels, lines, strict=True):
        for panel in of_line:
            panel.axis("off")
        for panel, cell in zip(of_line, cells, strict=False):
            panel.imshow(cell.picture, cmap="gray", vmin=0, vmax=255)
            panel.set_title(cell.title, fontsize=7)
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", dpi=130)

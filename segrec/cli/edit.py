"""`segrec edit`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from segrec.cli.common import common_options, detector_option, open_detector
from segrec.weights import OUTLINES

if TYPE_CHECKING:
    from segrec.core.images import Array
    from segrec.jobs.edit import Edited

LARGEST_COMPARED = 12_000_000
"""Pixels of each picture of a comparison; larger ones are shrunk for it."""


@click.command("edit")
@click.argument("image", type=click.Path())
@click.option("--recolor", metavar="#RRGGBB", help="Give the text this colour.")
@click.option("--erase", is_flag=True, help="Fill the text in from around it.")
@click.option("--copy-to", type=click.Path(), metavar="IMAGE2", help="Lay the text on this picture.")
@click.option("--output", type=click.Path(), required=True, help="The PNG to write.")
@click.option("--polygons", type=click.Path(), help="Edit these words only: JSON, or ICDAR's lines of 8 numbers.")
@detector_option
@click.option("--compare", type=click.Path(), help="Also write before, mask and after, side by side, as PNG.")
@click.option("--segmenter", default=OUTLINES, show_default=True, help="Shipped name, run or weights.")
@common_options(seed=False)
def command(
    image: str,
    recolor: str | None,
    erase: bool,
    copy_to: str | None,
    output: str,
    polygons: str | None,
    detector: str,
    compare: str | None,
    segmenter: str,
    device: str,
) -> None:
    """Recolour, erase or copy the text of a picture, along its text mask.

    In a photograph the words are looked for first; a picture of up to 384 rows is taken for one word.
    """
    from segrec.core.images import read_image, write_png
    from segrec.jobs.edit import Editing, edit_picture
    from segrec.pages.polygon_files import read_polygon_file
    from segrec.reader import Reader

    if (recolor is not None) + erase + (copy_to is not None) != 1:
        raise click.UsageError("say what to do with the text: one of --recolor '#RRGGBB', --erase and --copy-to IMAGE2")
    regions = None if polygons is None else read_polygon_file(polygons)
    picture = read_image(image)
    editing = Editing(
        recolor=recolor,
        erase=erase,
        copy_to=None if copy_to is None else read_image(copy_to, beside=picture.nbytes),
        polygons=regions,
        detector=open_detector(detector),
    )
    height = 0 if compare is None else _height_of_comparison(*picture.shape[:2])
    before = [_of_height(one, height) for one in (picture, editing.copy_to) if height and one is not None]
    reader = Reader.from_pretrained(segmenter=segmenter, device=device)
    edited = edit_picture(reader, picture, editing)
    write_png(output, edited.image)
    click.echo(output)
    if compare is not None:
        write_png(compare, _compared(before, edited, height))
        click.echo(compare)


def _height_of_comparison(height: int, width: int) -> int:
    """Return the height of a row of comparison: the picture's, or less where the row would become too large."""
    return min(height, max(1, int(math.sqrt(LARGEST_COMPARED * height / width))))


def _of_height(picture: Array, height: int) -> Array:
    """Return a copy of a picture, shrunk to a height unless it is no higher."""
    from segrec.core.images import resize

    if picture.shape[0] <= height:
        return picture.copy()
    return resize(picture, (height, max(1, round(picture.shape[1] * height / picture.shape[0]))), "area")


def _compared(before: list[Array], edited: Edited, height: int) -> Array:
    """Return before, mask and after beside each other."""
    from segrec.reports.overlay import side_by_side

    first, *target = before
    parts = [first, _of_height(edited.mask.levels(), height), *target, _of_height(edited.image, height)]
    return side_by_side(parts, height=height)

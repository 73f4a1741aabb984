"""`segrec edit`."""

from __future__ import annotations

import click

from segrec.cli.common import common_options, detector_option, open_detector
from segrec.weights import OUTLINES


@click.command("edit")
@click.argument("image", type=click.Path())
@click.option("--recolor", metavar="#RRGGBB", help="Give the text this colour.")
@click.option("--erase", is_flag=True, help="Fill the text in from around it.")
@click.option("--copy-to", type=click.Path(), metavar="IMAGE2", help="Lay the text on this picture.")
@click.option("--output", type=click.Path(), required=True, help="The PNG to write.")
@click.option("--polygons", type=click.Path(), help="Edit these words only: JSON, or ICDAR's lines of 8 numbers.")
@detector_option
@click.option("--compare", type=click.Path(), help="Also write before, mask and after beside each other, as PNG.")
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
    from segrec.reports.overlay import side_by_side

    if (recolor is not None) + erase + (copy_to is not None) != 1:
        raise click.UsageError("say what to do with the text: one of --recolor '#RRGGBB', --erase and --copy-to IMAGE2")
    editing = Editing(
        recolor=recolor,
        erase=erase,
        copy_to=None if copy_to is None else read_image(copy_to),
        polygons=None if polygons is None else read_polygon_file(polygons),
        detector=open_detector(detector),
    )
    picture = read_image(image)
    reader = Reader.from_pretrained(segmenter=segmenter, device=device)
    edited = edit_picture(reader, picture, editing)
    write_png(output, edited.image)
    click.echo(output)
    if compare is not None:
        target = [] if copy_to is None else [edited.before]
        row = side_by_side([picture, edited.mask, *target, edited.image], height=picture.shape[0])
        write_png(compare, row)
        click.echo(compare)

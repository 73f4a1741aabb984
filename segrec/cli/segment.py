"""`segrec segment`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from segmenter.choices import TILE_SIDE
from segrec.cli.common import amp_option, check_names, common_options, scales_option
from segrec.weights import OUTLINES


@click.command("segment")
@click.argument("images", nargs=-1, required=True, type=click.Path())
@click.option("--output", type=click.Path(), required=True, help="Folder for the masks.")
@click.option("--segmenter", default=OUTLINES, show_default=True, help="Shipped name, run or weights.")
@click.option("--overlays", is_flag=True, help="Also write the pictures with the text mask laid over them.")
@click.option("--longest-side", type=click.IntRange(1), help="Shrink larger pictures to this first.")
@scales_option
@click.option(
    "--tile-side", type=int, default=TILE_SIDE, show_default=True, help="Take larger pictures in tiles of this."
)
@amp_option
@common_options(seed=False)
def command(
    images: tuple[str, ...],
    output: str,
    segmenter: str,
    overlays: bool,
    longest_side: int | None,
    scales: Any,
    tile_side: int,
    amp: str,
    device: str,
) -> None:
    """Write NAME.text.png and NAME.region.png (0 to 255) for each picture, word crop or scene.

    A network that knows no regions, see segrec train segmenter --model, writes the first alone.

    A picture of up to 384 rows is taken for a word crop, a taller one for a scene, which the network sees at several
    sizes up to its own. Pictures may have 110 megapixels as PNG or JPEG files, up to 16 bits per channel, transparency,
    a palette or CMYK, and are turned upright by their EXIF orientation. A file that cannot be read is reported and the
    others are still done; the exit code is then 1.
    """
    from segrec.core.errors import DataError
    from segrec.core.images import read_image
    from segrec.core.memory import give_back_freed
    from segrec.jobs.segment import write_masks
    from segrec.reader import Segmenter

    check_names(images, ".text.png")
    network = Segmenter.from_pretrained(
        segmenter, device=device, amp=amp, longest_side=longest_side, scales=scales, tile_side=tile_side
    )
    problems = []
    for path in images:
        try:
            image = read_image(path)
        except DataError as error:
            problems.append(str(error))
            continue
        for target in write_masks(network, image, Path(output) / Path(path).stem, overlays=overlays):
            click.echo(target)
        del image
        give_back_freed()
    if problems:
        raise DataError(f"{len(problems)} of {len(images)} images were not read, the first: {problems[0]}")

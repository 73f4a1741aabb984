"""`segrec render`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from segrec.cli.common import common_options, workers_option
from segrec.data.rendering.styles import STYLES, Style


@click.group("render")
def command() -> None:
    """Render words or scenes with exact masks and polygons, or bend the pictures of ICDAR-2013.

    Each takes --output, --seed, --device, --quiet and --config, and says the rest with --help.
    """


def _rendering(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that words and scenes share."""
    options: list[Callable[[Any], Any]] = [
        click.option("--count", type=click.IntRange(1), required=True, help="How many."),
        click.option("--output", type=click.Path(), required=True, help="Folder to write."),
        click.option(
            "--fonts",
            multiple=True,
            type=click.Path(),
            help="Folder or file of fonts, repeatable.  [default: the system's]",
        ),
        click.option(
            "--lexicon", type=click.Path(), help="File with one word a line.  [default: the system's word list]"
        ),
        click.option(
            "--backgrounds", type=click.Path(), help="Folder of text-free photographs for half of the backgrounds."
        ),
        click.option(
            "--style",
            type=click.Choice(STYLES),
            default="mixed",
            show_default=True,
            help="Mixed as in photographs; hard: small, blurred, faint, shadowed, badly compressed; "
            "signs (words only): outlined, neon, dots, relief, metal, bent, stacked, cut, crowded.",
        ),
        click.option("--no-masks", is_flag=True, help="Words only, without the stores of exact masks."),
        workers_option,
        common_options(),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@command.command("words")
@_rendering
def words(output: str, count: int, workers: int, seed: int, style: Style, no_masks: bool, **settings: Any) -> None:
    """Render words: an lmdb with mask stores `oracle` and `regions` in it.

    The same seed, style, fonts and lexicon give the same bytes, whatever the number of workers.
    """
    from segrec.data.rendering.writing import render_words

    sources = _sources(settings)
    render_words(output, count, seed=seed, sources=sources, workers=workers, masks=not no_masks, style=style)
    click.echo(f"{output}: {count} words")


@command.command("scenes")
@_rendering
@click.option("--text-free", is_flag=True, help="Pictures of all sizes without any text, plain and crowded ones.")
def scenes(output: str, count: int, workers: int, seed: int, style: Style, text_free: bool, **settings: Any) -> None:
    """Render scenes: pictures, masks and polygons.

    The same seed, style, fonts and lexicon give the same bytes, whatever the number of workers.
    """
    from segrec.data.rendering.writing import render_scenes

    sources = _sources(settings)
    render_scenes(output, count, seed=seed, sources=sources, workers=workers, style=style, text_free=text_free)
    click.echo(f"{output}: {count} {'text-free scenes' if text_free else 'scenes'}")


def _sources(settings: dict[str, Any]) -> Any:
    from segrec.data.rendering.words import RenderSources

    return RenderSources(
        fonts=settings["fonts"] or None, lexicon=settings["lexicon"], backgrounds=settings["backgrounds"]
    )


@command.command("warp-icdar13")
@click.option("--source", type=click.Path(), required=True, help="ICDAR-2013 segmentation, as released.")
@click.option("--output", type=click.Path(), required=True, help="Folder to write.")
@click.option("--per-image", type=click.IntRange(1), default=1, show_default=True, help="Warped copies of each image.")
@common_options()
def warp(source: str, output: str, per_image: int, seed: int, device: str) -> None:
    """Bend every picture of ICDAR-2013 at random, with its masks and polygons: the paper's ICDAR-2013-WARP.

    The same seed gives the same bytes. Run again, it goes on where it stopped.
    """
    from segrec.jobs.warp_icdar13 import warp_icdar13

    done = warp_icdar13(source, output, per_image=per_image, seed=seed)
    click.echo(f"{output}: {done.images} images ({done.written} new)")

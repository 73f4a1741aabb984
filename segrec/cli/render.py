"""`segrec render`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from segrec.cli.common import common_options, workers_option
from segrec.data.corruption_kinds import CORRUPTIONS, LEVELS
from segrec.rendering.styles import STYLES, USUAL, Style


@click.group("render")
def command() -> None:
    """Render words or scenes with exact masks and polygons, corrupt words, or bend the pictures of ICDAR-2013.

    Each takes --output, --seed, --quiet and --config, and says the rest with --help.
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
            "--lexicon", type=click.Path(), help="File with one word per line.  [default: the system's word list]"
        ),
        click.option(
            "--backgrounds", type=click.Path(), help="Folder of text-free photographs for half of the backgrounds."
        ),
        click.option(
            "--style",
            type=click.Choice(STYLES),
            default=USUAL,
            show_default=True,
            help="Mixed as in photographs; hard: small, blurred, faint, shadowed, badly compressed; "
            "signs (words only): outlined, neon, dots, relief, metal, bent, stacked, cut, crowded.",
        ),
        click.option("--no-masks", is_flag=True, help="Words only, without the stores of exact masks."),
        workers_option,
        common_options(device=False),
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
    from segrec.rendering.writing import render_words

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
    from segrec.rendering.writing import render_scenes

    sources = _sources(settings)
    render_scenes(output, count, seed=seed, sources=sources, workers=workers, style=style, text_free=text_free)
    click.echo(f"{output}: {count} {'text-free scenes' if text_free else 'scenes'}")


def _sources(settings: dict[str, Any]) -> Any:
    from segrec.rendering.words import RenderSources

    return RenderSources(
        fonts=settings["fonts"] or None, lexicon=settings["lexicon"], backgrounds=settings["backgrounds"]
    )


def _parse_kinds(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
    kinds: list[str] = [*CORRUPTIONS] if value is None else _distinct(value)
    unknown = [kind for kind in kinds if kind not in CORRUPTIONS]
    if unknown:
        raise click.BadParameter(f"unknown kind {unknown[0]!r}; use some of {', '.join(CORRUPTIONS)}")
    return kinds


def _parse_levels(context: click.Context, parameter: click.Parameter, value: str | None) -> list[int] | None:
    if value is None or value == "all":
        return None if value is None else list(LEVELS)
    unknown = [level for level in _distinct(value) if level not in map(str, LEVELS)]
    if unknown:
        raise click.BadParameter(f"unknown level {unknown[0]!r}; use some of {', '.join(map(str, LEVELS))}, or all")
    return [int(level) for level in _distinct(value)]


def _distinct(value: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in value.split(",")))


@command.command("corrupt")
@click.option("--data", type=click.Path(), required=True, help="Word lmdb.")
@click.option("--output", type=click.Path(), required=True, help="Folder of the databases to write.")
@click.option(
    "--kind",
    "kinds",
    callback=_parse_kinds,
    metavar="K[,K...]",
    help=f"{', '.join(CORRUPTIONS)}.  [default: all]",
)
@click.option(
    "--level",
    "levels",
    callback=_parse_levels,
    metavar="L[,L...]|all",
    help="From 1, hardly seen, to 5, hardly readable.  [default: 3; with --mixed all]",
)
@click.option("--mixed", is_flag=True, help="One database, in which each word gets a kind and a level by chance.")
@click.option("--limit", type=click.IntRange(1), help="Only the first words.")
@common_options(device=False)
def corrupt(
    data: str, output: str, kinds: Any, levels: list[int] | None, mixed: bool, limit: int | None, seed: int
) -> None:
    """Corrupt the pictures of words: a database for each kind and level, as OUTPUT/blur-3, with the labels kept.

    The same seed gives the same bytes. Run again, it goes on with the databases that are not there yet.
    """
    from segrec.jobs.corrupt_words import corrupt_words

    chosen = levels or (LEVELS if mixed else (3,))
    for made in corrupt_words(data, output, kinds=kinds, levels=chosen, mixed=mixed, seed=seed, limit=limit):
        click.echo(f"{made.path}: {made.words} words{'' if made.written else ' (already there)'}")


@command.command("warp-icdar13")
@click.option("--source", type=click.Path(), required=True, help="ICDAR-2013 segmentation, as released.")
@click.option("--output", type=click.Path(), required=True, help="Folder to write.")
@click.option("--per-image", type=click.IntRange(1), default=1, show_default=True, help="Warped copies of each image.")
@common_options(device=False)
def warp(source: str, output: str, per_image: int, seed: int) -> None:
    """Bend every picture of ICDAR-2013 at random, with its masks and polygons: the paper's ICDAR-2013-WARP.

    The same seed gives the same bytes. Run again, it goes on where it stopped.
    """
    from segrec.jobs.warp_icdar13 import warp_icdar13

    done = warp_icdar13(source, output, per_image=per_image, seed=seed)
    click.echo(f"{output}: {done.images} images ({done.written} new)")

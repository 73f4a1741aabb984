"""`segrec render`."""

from __future__ import annotations

import click

from segrec.cli.common import common_options, workers_option


@click.command("render")
@click.argument("what", type=click.Choice(["words", "scenes"]))
@click.option("--count", type=click.IntRange(1), required=True, help="How many.")
@click.option("--output", type=click.Path(), required=True, help="Folder to write.")
@click.option(
    "--fonts", multiple=True, type=click.Path(), help="Folder or file of fonts, repeatable.  [default: the system's]"
)
@click.option("--lexicon", type=click.Path(), help="File with one word a line.  [default: the system's word list]")
@click.option("--backgrounds", type=click.Path(), help="Folder of text-free photographs for half of the backgrounds.")
@click.option("--no-masks", is_flag=True, help="Words only, without the stores of exact masks.")
@workers_option
@common_options()
def command(
    what: str,
    count: int,
    output: str,
    fonts: tuple[str, ...],
    lexicon: str | None,
    backgrounds: str | None,
    no_masks: bool,
    workers: int,
    seed: int,
    device: str,
) -> None:
    """Render words (an lmdb with mask stores `oracle` and `regions` in it) or scenes (pictures, masks, polygons).

    The same seed, fonts and lexicon give the same bytes, whatever the number of workers.
    """
    from segrec.data.rendering.words import RenderSources
    from segrec.data.rendering.writing import render_scenes, render_words

    sources = RenderSources(fonts=fonts or None, lexicon=lexicon, backgrounds=backgrounds)
    if what == "words":
        render_words(output, count, seed=seed, sources=sources, workers=workers, masks=not no_masks)
    else:
        render_scenes(output, count, seed=seed, sources=sources, workers=workers)
    click.echo(f"{output}: {count} {what}")

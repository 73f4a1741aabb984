"""`segrec precompute-masks`."""

from __future__ import annotations

import click

from segrec.cli.common import amp_option, common_options, workers_option


def parse_shard(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, int]:
    """Return (number, count) of `I/N`."""
    number, sign, count = value.partition("/")
    if not sign or not number.isdigit() or not count.isdigit() or not 1 <= int(number) <= int(count):
        raise click.BadParameter(f"expected I/N with 1 <= I <= N, got {value!r}")
    return int(number), int(count)


@click.command("precompute-masks")
@click.option("--data", type=click.Path(), help="Word lmdb; without it the demo set is made and used.")
@click.option("--output", type=click.Path(), help="Mask store to write.  [default: the data's path and '-masks']")
@click.option("--segmenter", default="mgnet-slim", show_default=True, help="Shipped name, run directory or weights.")
@click.option("--engine", type=click.Choice(["local"]), default="local", show_default=True, help="Where it runs.")
@click.option("--shard", default="1/1", show_default=True, callback=parse_shard, help="Do part I of N.")
@click.option("--limit", type=click.IntRange(1), help="Only the first words.")
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True, help="Crops of one shape at once.")
@workers_option
@amp_option
@common_options(seed=False)
def command(
    data: str | None,
    output: str | None,
    segmenter: str,
    engine: str,
    shard: tuple[int, int],
    limit: int | None,
    batch_size: int,
    workers: int,
    amp: str,
    device: str,
) -> None:
    """Predict a text mask for every word of a database and store it.

    Run again after an interruption, it goes on where it stopped. The database is opened read-only.
    """
    from segrec.jobs.demo_set import demo_set
    from segrec.jobs.precompute import precompute_masks

    if data is None:
        demo = demo_set("train")
        data, output = str(demo.words), output or str(demo.masks)
    result = precompute_masks(
        data,
        output or f"{str(data).rstrip('/')}-masks",
        segmenter=segmenter,
        shard=shard,
        limit=limit,
        batch_size=batch_size,
        workers=workers,
        device=device,
        amp=amp,
    )
    click.echo(f"{result.store}: {result.words} masks ({result.predicted} new, {result.unreadable} without an image)")

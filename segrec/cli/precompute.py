"""`segrec precompute-masks`."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from segrec.cli.common import amp_option, common_options, workers_option
from segrec.cli.setting import setting
from segrec.jobs.precompute_settings import Precomputing


def parse_shard(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, int] | None:
    """Return (number, count) of `I/N`, None for `auto`."""
    if value == "auto":
        return None
    number, sign, count = value.partition("/")
    if not sign or not number.isdigit() or not count.isdigit() or not 1 <= int(number) <= int(count):
        raise click.BadParameter(f"expected I/N with 1 <= I <= N, or auto, got {value!r}")
    return int(number), int(count)


precomputing = partial(setting, Precomputing)


@click.command("precompute-masks")
@click.option("--data", type=click.Path(), help="Word lmdb; without it the demo set is made and used.")
@click.option("--output", type=click.Path(), help="Mask store to write.  [default: the data's path and '-masks']")
@precomputing("segmenter", "Shipped name, run directory or weights.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="What runs it.")
@click.option(
    "--shard",
    default="auto",
    show_default=True,
    callback=parse_shard,
    help="Do part I/N; auto: the part that torchrun or SLURM gives this process, else all.",
)
@click.option("--blocks", type=click.IntRange(1), help="With ray: into how many shards the words are cut.")
@click.option("--actors", type=click.IntRange(1), help="With ray: segmenters at work.  [default: one a GPU, or a CPU]")
@click.option("--ray-address", help="With ray: the cluster to join.  [default: start ray on this machine]")
@precomputing("limit", "Only the first words.", kind=click.IntRange(1))
@precomputing("batch_size", "Crops at once.", kind=click.IntRange(1))
@workers_option
@amp_option
@common_options(seed=False)
def command(
    data: str | None,
    output: str | None,
    engine: str,
    shard: tuple[int, int] | None,
    blocks: int | None,
    actors: int | None,
    ray_address: str | None,
    device: str,
    **settings: Any,
) -> None:
    """Predict a text mask for every word of a database and store it.

    Run again after an interruption, it goes on where it stopped. The database is opened read-only.
    """
    _check_engine(engine, shard, {"--blocks": blocks, "--actors": actors, "--ray-address": ray_address})
    from segrec.jobs.demo_set import demo_set

    if data is None:
        demo = demo_set("train")
        data, output = str(demo.words), output or str(demo.masks)
    output = output or f"{str(data).rstrip('/')}-masks"
    if engine == "ray":
        from segrec.jobs.precompute_ray import precompute_with_ray

        cluster: dict[str, Any] = {"ray_address": ray_address, "blocks": blocks, "actors": actors}
        result = precompute_with_ray(data, output, device=device, **cluster, **settings)
    else:
        from segrec.jobs.precompute import precompute_masks
        from segrec.jobs.shards import shard_of_environment

        shard, device = (shard, device) if shard else shard_of_environment(device)
        result = precompute_masks(data, output, shard=shard, device=device, **settings)
    click.echo(f"{result.store}: {result.words} masks ({result.predicted} new, {result.unreadable} without an image)")


def _check_engine(engine: str, shard: tuple[int, int] | None, of_ray: dict[str, object]) -> None:
    """Refuse options that the engine would not heed."""
    given = [name for name, value in of_ray.items() if value is not None]
    if engine == "ray" and shard:
        raise click.UsageError("--engine ray does all shards; name their number with --blocks, not --shard")
    if engine == "local" and given:
        raise click.UsageError(f"{given[0]} is for --engine ray; add that, or leave it away")

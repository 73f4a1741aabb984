"""`segrec info`."""

from __future__ import annotations

from dataclasses import asdict

import click

from segrec.cli.common import common_options


@click.command("info")
@click.argument("path", type=click.Path())
@click.option("--verify", is_flag=True, help="Read everything, not just samples.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or for programs.",
)
@common_options(seed=False, device=False)
def command(path: str, verify: bool, output_format: str) -> None:
    """Say what an lmdb, mask store, run or weights file is, and whether it is sound (exit code 1 if not).

    A shipped name, as mgnet-slim, works too, and english_g2 for EasyOCR's file.
    """
    from segrec.core.errors import DataError
    from segrec.core.files import json_text
    from segrec.core.printable import printable, shortened
    from segrec.jobs.info import describe
    from segrec.weights import is_named, resolve_weights

    description = describe(resolve_weights(path) if is_named(path) else path, verify=verify)
    if output_format == "json":
        click.echo(json_text({**asdict(description), "path": str(description.path)}), nl=False)
    else:
        click.echo(f"{description.path}: {description.kind}, {'sound' if description.sound else 'NOT sound'}")
        for name, value in description.facts.items():
            click.echo(f"  {printable(name)}: {printable(value)}")
        for problem in description.problems:
            click.echo(f"  problem: {shortened(printable(problem))}")
    if not description.sound:
        raise DataError(f"{path} is not sound: {description.problems[0]}")

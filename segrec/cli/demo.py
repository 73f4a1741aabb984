"""`segrec demo`."""

from __future__ import annotations

import click

from segrec.cli.common import common_options


@click.command("demo")
@click.option("--output", type=click.Path(), default="segrec-demo", show_default=True, help="Folder for everything.")
@click.option("--steps", type=click.IntRange(1), default=150, show_default=True, help="Fine-tuning steps a variant.")
@common_options()
def command(output: str, steps: int, seed: int, device: str) -> None:
    """Render words, predict masks, fine-tune with random and predicted masks, compare and write report.html."""
    from segrec.jobs.demo import demo
    from segrec.tables import print_results

    result = demo(output, steps=steps, seed=seed, device=device)
    click.echo(print_results(result.results, "markdown"))
    click.echo(f"{result.report} written after {result.seconds:.0f} s")

"""`segrec demo`."""

from __future__ import annotations

import click

from segrec.cli.common import common_options
from segrec.jobs.common_settings import DEMO


@click.command("demo")
@click.option("--output", type=click.Path(), default=DEMO, show_default=True, help="Folder for everything.")
@common_options()
def command(output: str, seed: int, device: str) -> None:
    """Render words, predict masks, read with and without them, compare, show real words and write report.html."""
    from segrec.jobs.demo import demo
    from segrec.reports.tables import results_text
    from segrec.weights import CONTROL

    result = demo(output, seed=seed, device=device)
    click.echo(results_text(result.results, "markdown", over=CONTROL))
    click.echo(result.verdict)
    click.echo(result.sheet.verdict)
    click.echo(f"{result.report} written after {result.seconds:.0f} s")

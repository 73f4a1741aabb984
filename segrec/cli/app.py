"""`segrec app`."""

from __future__ import annotations

import click

from segrec.cli.common import common_options
from segrec.weights import CONTROL, READER, SEGMENTER


@click.command("app")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 lets others in.")
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True, help="Port to listen at.")
@click.option("--model", default=READER, show_default=True, help="Reads with the mask: shipped name, run or weights.")
@click.option("--control", default=CONTROL, show_default=True, help="Reads without: shipped name, run or weights.")
@click.option("--segmenter", default=SEGMENTER, show_default=True, help="Shipped name, run or weights.")
@common_options(seed=False)
def command(host: str, port: int, model: str, control: str, segmenter: str, device: str) -> None:
    """Serve a page that masks, reads and edits pictures in a browser.

    Needs Gradio (segrec[app]). It listens on this computer alone unless --host says otherwise; there is no password.
    """
    from segrec.app.server import serve

    serve(host=host, port=port, model=model, control=control, segmenter=segmenter, device=device)

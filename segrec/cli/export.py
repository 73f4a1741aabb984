"""`segrec export`."""

from __future__ import annotations

import click

from segrec.cli.common import common_options


@click.command("export")
@click.argument("weights", type=click.Path())
@click.option("--output", required=True, type=click.Path(), help="The file to write, ending in .onnx.")
@click.option(
    "--segmenter",
    type=click.Path(),
    help="A mask network to put into the same graph before a CRNN: shipped name, run or weights.",
)
@click.option("--half-weights", is_flag=True, help="Round the weights to float16: half the size, computed in float32.")
@click.option("--region", is_flag=True, help="Let a mask network give regions, too, to find words of photographs.")
@click.option("--int8", is_flag=True, help="Quantize a mask network: a third of the size, half of the time.")
@click.option(
    "--calibrate",
    type=click.Path(),
    help="Word database, of which 256 say which values occur, for --int8.  [default: rendered words]",
)
@common_options(seed=False, device=False)
def command(
    weights: str,
    output: str,
    segmenter: str | None,
    half_weights: bool,
    region: bool,
    int8: bool,
    calibrate: str | None,
) -> None:
    """Write a segmenter or a recognizer as ONNX, and compare it with PyTorch on rendered words.

    WEIGHTS are a shipped name, a run, weights or a public checkpoint. The file says in its metadata what it takes;
    `segrec read --onnx` and `segrec.Reader.from_onnx` run it without PyTorch. Attention decoders read greedily.
    """
    from segrec.jobs.export import export_onnx

    exported = export_onnx(
        weights,
        output,
        segmenter=segmenter,
        half_weights=half_weights,
        region=region,
        int8=int8,
        calibrate=calibrate,
    )
    texts = f", {exported.texts} texts equal" if exported.texts else ""
    click.echo(
        f"{exported.output}: {exported.kind}, {exported.size / 1e6:.1f} MB; "
        f"differs from PyTorch by {'a mean of' if int8 else 'at most'} {exported.difference:.1e}{texts}"
    )

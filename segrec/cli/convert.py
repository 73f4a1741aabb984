"""`segrec convert`."""

from __future__ import annotations

import click

from segrec.cli.common import common_options


@click.command("convert")
@click.argument("checkpoint", type=click.Path())
@click.option("--output", required=True, type=click.Path(), help="The weights to write, ending in .safetensors.")
@click.option("--charset", help="The characters in class order, where their number does not tell them.")
@click.option("--drop-objects", is_flag=True, help="Leave out Python objects; nothing of the file is executed.")
@click.option("--half", is_flag=True, help="Store numbers as float16, half as large.")
@common_options(seed=False, device=False)
def command(checkpoint: str, output: str, charset: str | None, drop_objects: bool, half: bool) -> None:
    """Turn a public checkpoint into segrec weights, and print what became of its tensors.

    Known are EasyOCR, crnn.pytorch, deep-text-recognition-benchmark (VGG-BiLSTM-CTC and TPS-ResNet-BiLSTM-Attn),
    aster.pytorch, and the CRNNs of parseq and mmocr.
    """
    from segrec.jobs.convert import convert_checkpoint

    converted = convert_checkpoint(checkpoint, output, charset=charset, drop_objects=drop_objects, half=half)
    click.echo(converted.report.table())
    click.echo(f"\n{converted.output}: {converted.architecture}, {len(converted.characters)} characters")

"""`segrec label-masks`."""

from __future__ import annotations

import click

from segrec.cli.common import common_options, workers_option
from segrec.data.labelling.reasons import THRESHOLD
from segrec.weights import PLAIN


@click.command("label-masks")
@click.option(
    "--data",
    type=click.Path(),
    required=True,
    help="Word lmdb with transcripts, or KIND[:SPLIT]=PATH of photographs: icdar15 or mlt.",
)
@click.option(
    "--output", type=click.Path(), help="Mask store, or folder, to write.  [default: the data's path and '-verified']"
)
@click.option(
    "--verifier",
    default=PLAIN,
    show_default=True,
    help="What reads the masks: shipped name, run directory, weights, an .onnx file of PP-OCR, or ppocr.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=THRESHOLD,
    show_default=True,
    help="Least mean confidence in a reading's characters.",
)
@click.option("--limit", type=click.IntRange(1), help="Only the first words, or photographs.")
@workers_option
@common_options(seed=False)
def command(
    data: str, output: str | None, verifier: str, threshold: float, limit: int | None, workers: int, device: str
) -> None:
    """Find pixel masks of real words whose transcripts are known.

    Each word is binarised in many ways; what an independent recognizer reads as the label, and what most of it agrees
    on, is the mask. Words without such a binarisation get none and are counted by reason. Run again after an
    interruption, it goes on where it stopped. To train on the masks: segrec train segmenter --words verified=DATA:MASKS

    Photographs get a folder with their words' masks in place: segrec train segmenter --scenes folder=OUTPUT
    """
    from segrec.jobs.label_masks import label_masks
    from segrec.jobs.label_scenes import is_scenes, label_scenes

    scenes = is_scenes(data)
    output = output or f"{(data.partition('=')[2] if scenes else data).rstrip('/')}-verified"
    labelled = (label_scenes if scenes else label_masks)(
        data, output, verifier=verifier, threshold=threshold, limit=limit, workers=workers, device=device
    )
    refused = ", ".join(f"{count} {reason}" for reason, count in labelled.refused.items()) or "none"
    words = labelled.accepted + sum(labelled.refused.values())
    among = f"{words} words in {labelled.pictures} photographs" if scenes else f"{words} words"
    click.echo(f"{output}: {labelled.accepted} masks of {among} ({labelled.added} new); refused: {refused}")

"""`segrec eval-segmenter`."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from segrec.cli.common import amp_option, common_options, format_option, parse_named, scales_option
from segrec.cli.setting import setting
from segrec.jobs.segmenter_evaluation_settings import SegmenterEvaluation
from segrec.weights import SEGMENTER

asked = partial(setting, SegmenterEvaluation)


@click.command("eval-segmenter")
@click.option(
    "--segmenter",
    "segmenters",
    multiple=True,
    metavar="[NAME=]WEIGHTS",
    help=f"Shipped name, run or weights, repeatable; the others are compared with the first.  [default: {SEGMENTER}]",
)
@click.option(
    "--data",
    multiple=True,
    metavar="KIND[:SPLIT]=PATH",
    help="Dataset with true masks, such as totaltext:test=PATH, repeatable; without it the demo set.",
)
@asked("target", "Masks to score; both: each where its truth exists.")
@asked("threshold", "Probability from which a pixel counts.", kind=click.FloatRange(0, 1))
@asked("sweep", "Also score at all thresholds and name the best one.")
@click.option("--by-height", is_flag=True, help="Also score the images by their height.")
@asked(
    "pictures",
    "What they are to the network: word crops, scenes, or by their height.  [default: by the kind of data]",
)
@scales_option
@asked("each_pass", "Also score the pass without guidance, and what guidance gains.")
@asked("ties", "Who wins an image on which several segmenters are equally good.")
@asked("limit", "Only the first images of each dataset.", kind=click.IntRange(1))
@asked("batch_size", "Most pictures in one run.", kind=click.IntRange(1))
@format_option
@asked("rows", "Write a row for each image to this .csv or .jsonl file.", kind=click.Path())
@asked("curves", "Draw the spread of precision, recall and F1 as .png, .svg or .pdf.", kind=click.Path())
@amp_option
@common_options()
def command(
    segmenters: tuple[str, ...],
    data: tuple[str, ...],
    by_height: bool,
    output_format: str,
    **settings: Any,
) -> None:
    """Score the text and region masks of segmenters against true masks.

    Images that cannot be read are left out and counted; the exit code is then 1.
    """
    from segrec.core.errors import DataError
    from segrec.evaluation.segmenter_result import complaint
    from segrec.jobs.demo_set import demo_set
    from segrec.jobs.evaluate_segmenter import evaluate_segmenter
    from segrec.reports.segmenter_tables import segmenters_text

    named = dict(parse_named(segmenters or (SEGMENTER,), "--segmenter"))
    if len(named) < len(segmenters):
        raise click.BadParameter("two segmenters have the same name; write NAME=WEIGHTS", param_hint="--segmenter")
    specs = data or (f"words={demo_set('test').words}",)
    results = evaluate_segmenter(SegmenterEvaluation(data=specs, segmenters=named, **settings))
    click.echo(segmenters_text(results, output_format, heights=by_height), nl=False)
    problem = complaint(results)
    if problem is not None:
        raise DataError(problem)

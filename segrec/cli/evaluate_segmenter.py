"""`segrec eval-segmenter`."""

from __future__ import annotations

from typing import Any

import click

from segrec.cli.common import amp_option, common_options, format_option, parse_named, scales_option


@click.command("eval-segmenter")
@click.option(
    "--segmenter",
    "segmenters",
    multiple=True,
    metavar="[NAME=]WEIGHTS",
    help="Shipped name, run or weights, repeatable; the others are compared with the first.  [default: mgnet-slim]",
)
@click.option(
    "--data",
    multiple=True,
    metavar="KIND[:SPLIT]=PATH",
    help="Dataset with true masks, such as totaltext:test=PATH, repeatable; without it the demo set.",
)
@click.option(
    "--target",
    type=click.Choice(["text", "region", "both"]),
    default="both",
    show_default=True,
    help="Masks to score; both: each where its truth exists.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Probability from which a pixel counts.",
)
@click.option("--sweep", is_flag=True, help="Also score at all thresholds and name the best one.")
@click.option("--by-height", is_flag=True, help="Also score the images by their height.")
@click.option(
    "--pictures",
    type=click.Choice(["words", "scenes", "height"]),
    help="What they are to the network: word crops, scenes, or by their height.  [default: by the kind of data]",
)
@scales_option
@click.option("--each-pass", is_flag=True, help="Also score the pass without guidance, and what guidance gains.")
@click.option(
    "--ties",
    type=click.Choice(["first", "split"]),
    default="first",
    show_default=True,
    help="Who wins an image on which several segmenters are equally good.",
)
@click.option("--limit", type=click.IntRange(1), help="Only the first images of each dataset.")
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True, help="Most pictures in one run.")
@format_option
@click.option("--rows", type=click.Path(), help="Write a row for each image to this .csv or .jsonl file.")
@click.option("--curves", type=click.Path(), help="Draw the spread of precision, recall and F1 as .png, .svg or .pdf.")
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
    from segrec.jobs.evaluate_segmenter import SegmenterEvaluation, evaluate_segmenter
    from segrec.reports.segmenter_tables import segmenters_text
    from segrec.weights import SEGMENTER

    named = dict(parse_named(segmenters or (SEGMENTER,), "--segmenter"))
    if len(named) < len(segmenters):
        raise click.BadParameter("two segmenters have the same name; write NAME=WEIGHTS", param_hint="--segmenter")
    specs = data or (f"words={demo_set('test').words}",)
    results = evaluate_segmenter(SegmenterEvaluation(data=specs, segmenters=named, **settings))
    click.echo(segmenters_text(results, output_format, heights=by_height), nl=False)
    problem = complaint(results)
    if problem is not None:
        raise DataError(problem)

"""`segrec eval`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segrec.cli.common import amp_option, common_options, parse_named
from segrec.cli.setting import setting
from segrec.data.masks.kinds import MASK_KINDS
from segrec.jobs.evaluation_settings import Evaluation
from segrec.weights import PLAIN

if TYPE_CHECKING:
    from segrec.evaluation.result import EvaluationResult


def parse_masks(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str] | None:
    """Return the kinds of `M[,M...]`, in order and without repeats."""
    if value is None:
        return None
    kinds = list(dict.fromkeys(kind.strip() for kind in value.split(",")))
    unknown = [kind for kind in kinds if kind not in MASK_KINDS]
    if unknown:
        raise click.BadParameter(f"unknown mask {unknown[0]!r}; use some of {', '.join(MASK_KINDS)}")
    return kinds


def parse_lexicons(values: tuple[str, ...]) -> str | dict[str, str] | None:
    """Return one file for all data, or the file of each by its name.

    Raises:
        click.BadParameter: several files for all, both at once, or two for one name.
    """
    if len(values) == 1 and "=" not in values[0]:
        return values[0]
    if any("=" not in value for value in values):
        raise click.BadParameter("give one FILE for all data, or a NAME=FILE for each", param_hint="--lexicon")
    named = dict(parse_named(values, "--lexicon"))
    if len(named) < len(values):
        raise click.BadParameter("two lexicons are for the same data; join them in one file", param_hint="--lexicon")
    return named or None


def parse_data(values: tuple[str, ...]) -> dict[str, str]:
    """Return the databases by their names.

    Raises:
        click.BadParameter: a name or path is empty, or two have the same name.
    """
    named = dict(parse_named(values, "--data"))
    if len(named) < len(values):
        raise click.BadParameter("two databases have the same name; write NAME=WORDS", param_hint="--data")
    return named


def parse_stores(values: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the mask stores of each database by its name."""
    stores: dict[str, list[str]] = {}
    for name, path in parse_named(values, "--masks"):
        stores.setdefault(name, []).append(path)
    return stores


def parse_models(values: tuple[str, ...]) -> tuple[str | None, dict[str, list[str]]]:
    """Return the one model without a name, or the weights of several by their names.

    A value that is a path as it stands is not a NAME=MODEL, whatever it contains.

    Raises:
        click.BadParameter: a name or path is empty, or the same model is named twice without a NAME.
    """
    if len(values) == 1 and ("=" not in values[0] or Path(values[0]).exists()):
        return values[0], {}
    models: dict[str, list[str]] = {}
    for value in values:
        name, sign, weights = ("", "", value) if Path(value).exists() else value.partition("=")
        if sign and not (name and weights):
            raise click.BadParameter(f"expected NAME=MODEL or MODEL, got {value!r}", param_hint="--model")
        name, weights = (name, weights) if sign else (value, value)
        if weights in models.get(name, ()):
            raise click.BadParameter(f"{value} is named twice; seeds are different runs", param_hint="--model")
        models.setdefault(name, []).append(weights)
    return None, models


asked = partial(setting, Evaluation)


@click.command("eval")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="[NAME=]MODEL",
    help="Shipped name, run or weights, repeatable; those of one NAME are its seeds.  "
    f"[default: {PLAIN}, for each mask the shipped one tuned with it]",
)
@click.option("--over", metavar="NAME", help="Model that the others are compared with.  [default: the first]")
@click.option("--data", multiple=True, metavar="NAME=WORDS", help="Word lmdb, repeatable; without it the demo set.")
@click.option("--masks", multiple=True, metavar="NAME=MASKS", help="Mask store of the data of that name, repeatable.")
@click.option(
    "--mask",
    callback=parse_masks,
    metavar="M[,M...]",
    help="none, random, zero, predicted, oracle.  [default: those that the model can take]",
)
@asked("segmenter", "Predicts masks where no store is named.")
@asked("charset_filter", "What of a label counts.")
@asked("case_sensitive", "Case counts.")
@click.option(
    "--lexicon",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Words that readings may be: one per line for all, or .jsonl lines of index and words.  [repeatable by name]",
)
@asked("beam", "Read with a beam search that keeps this many prefixes.", kind=click.IntRange(1))
@asked("limit", "Only the first words of each database.", kind=click.IntRange(1))
@asked("seeds", "Draws of the random masks.", kind=click.IntRange(1))
@click.option("--breakdown", is_flag=True, help="Also accuracy by crop height, word length and mask coverage.")
@asked("mask_check", "Instead of --mask: does a model use its masks? Read with own, other words' and empty ones.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["markdown", "json", "csv", "html"]),
    default="markdown",
    show_default=True,
    help="How results are shown; html is a page with pictures of the words that masks repaired and broke.",
)
@click.option("--output", "-o", type=click.Path(), help="Write the results to this file in place of stdout.")
@click.option(
    "--gains", "gains_file", type=click.Path(), help="Write the gains with their intervals to this .csv file."
)
@asked("predictions", "Write every word's reading to this .jsonl file.", kind=click.Path())
@amp_option
@common_options()
def command(
    data: tuple[str, ...],
    masks: tuple[str, ...],
    mask: list[str] | None,
    models: tuple[str, ...],
    over: str | None,
    lexicon: tuple[str, ...],
    breakdown: bool,
    output_format: str,
    output: str | None,
    gains_file: str | None,
    device: str,
    **settings: Any,
) -> None:
    """Score recognizers on word databases with no, random, zero, predicted and oracle masks.

    Several models are compared with the first or --over; several runs under one name, NAME=RUN, are its seeds.
    """
    from segrec.core.files import check_writable
    from segrec.evaluation.compare import gains
    from segrec.evaluation.result import pooled
    from segrec.jobs.demo_set import demo_set
    from segrec.jobs.evaluate import evaluate
    from segrec.reports.gain_tables import write_gains
    from segrec.training.distributed import launched

    model, several = parse_models(models)
    _check_together(several, over, mask, settings["mask_check"], breakdown, output_format)
    named, stores, words = parse_data(data), parse_stores(masks), parse_lexicons(lexicon)
    for option, file in (("--gains", gains_file), ("--output", output)):
        if file is not None:
            check_writable(file, option)
    with launched(device) as world:
        if not named:
            named = {"demo-test": world.on_main(lambda: str(demo_set("test").words))}
        evaluation = Evaluation(
            data=named,
            masks=stores,
            mask=mask or (),
            model=model,
            models=several,
            lexicon=words,
            device=device,
            **settings,
        )
        results = evaluate(evaluation, world=world)
    if world.is_main:
        if gains_file is not None:
            write_gains(gains_file, gains([*results, *pooled(results)], over=over))
        _show(evaluation, results, output_format, output, over=over, breakdown=breakdown)


def _show(
    evaluation: Evaluation,
    results: Sequence[EvaluationResult],
    output_format: str,
    output: str | None,
    *,
    over: str | None,
    breakdown: bool,
) -> None:
    """Print the results, or write them to a file."""
    from segrec.core.files import write_text
    from segrec.jobs.evaluation_report import evaluation_report
    from segrec.reports.report import report_page
    from segrec.reports.tables import results_text

    if output_format == "html":
        shown = report_page(evaluation_report(evaluation, results, over=over))
    else:
        parts: dict[str, Any] = {"over": over, "by_groups": breakdown, "mask_check": evaluation.mask_check}
        shown = results_text(results, output_format, model=evaluation.model, models=evaluation.models, **parts)
    if output is None:
        click.echo(shown, nl=False)
    else:
        write_text(output, shown)
        click.echo(f"{output} written")


def _check_together(
    models: dict[str, list[str]],
    over: str | None,
    mask: list[str] | None,
    mask_check: bool,
    breakdown: bool,
    output_format: str,
) -> None:
    """Refuse options that do not go with each other, before anything is read."""
    if over is not None and over not in models:
        known = f"use one of {', '.join(models)}" if models else "name several with --model"
        raise click.BadParameter(f"there is no model {over!r}; {known}", param_hint="--over")
    if mask_check and mask is not None:
        raise click.BadParameter("it chooses the masks itself; leave --mask out", param_hint="--mask-check")
    if output_format == "csv" and (breakdown or mask_check):
        raise click.BadParameter("csv is one table; use markdown or json", param_hint="--format")

"""`segrec eval`."""

from __future__ import annotations

from typing import Any

import click

from segrec.cli.common import amp_option, common_options, format_option, parse_named
from segrec.data.mask_kinds import MASK_KINDS


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


@click.command("eval")
@click.option("--model", help="Shipped name, run or weights.  [default: for each mask the shipped one tuned with it]")
@click.option("--data", multiple=True, metavar="NAME=WORDS", help="Word lmdb, repeatable; without it the demo set.")
@click.option("--masks", multiple=True, metavar="NAME=MASKS", help="Mask store of the data of that name, repeatable.")
@click.option(
    "--mask",
    callback=parse_masks,
    metavar="M[,M...]",
    help="none, random, zero, predicted, oracle.  [default: those that the model can take]",
)
@click.option("--segmenter", default="mgnet-slim", show_default=True, help="Predicts masks where no store is named.")
@click.option(
    "--charset-filter",
    type=click.Choice(["alnum", "none"]),
    default="alnum",
    show_default=True,
    help="What of a label counts.",
)
@click.option("--case-sensitive", is_flag=True, help="Case counts.")
@click.option(
    "--lexicon",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Words that readings may be: one a line for all, or .jsonl lines of index and words.  [repeatable by name]",
)
@click.option("--beam", type=click.IntRange(1), help="Read with a beam search that keeps so many prefixes.")
@click.option("--limit", type=click.IntRange(1), help="Only the first words of each database.")
@format_option
@click.option("--predictions", type=click.Path(), help="Write every word's reading to this .jsonl file.")
@amp_option
@common_options()
def command(
    data: tuple[str, ...],
    masks: tuple[str, ...],
    mask: list[str] | None,
    model: str | None,
    lexicon: tuple[str, ...],
    output_format: str,
    device: str,
    **settings: Any,
) -> None:
    """Score recognizers on word databases with no, random, zero, predicted and oracle masks."""
    from segrec.core.distributed import launched
    from segrec.jobs.demo_set import demo_set
    from segrec.jobs.evaluate import Evaluation, default_masks, evaluate
    from segrec.tables import print_results

    named = dict(parse_named(data, "--data"))
    if len(named) < len(data):
        raise click.BadParameter("two databases have the same name; write NAME=WORDS", param_hint="--data")
    stores: dict[str, list[str]] = {}
    for name, path in parse_named(masks, "--masks"):
        stores.setdefault(name, []).append(path)
    words = parse_lexicons(lexicon)
    with launched(device) as world:
        if not named:
            named = {"demo-test": world.on_main(lambda: str(demo_set("test").words))}
        kinds = mask if mask is not None else default_masks(model, named)
        asked = Evaluation(data=named, masks=stores, mask=kinds, model=model, lexicon=words, device=device, **settings)
        results = evaluate(asked, world=world)
    if world.is_main:
        click.echo(print_results(results, output_format, model=model), nl=False)

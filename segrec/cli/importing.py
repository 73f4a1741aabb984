"""`segrec import`."""

from __future__ import annotations

import click

from segrec.cli.common import common_options, workers_option
from segrec.cli.setting import setting
from segrec.importers.cut_settings import CutSettings, Encoding
from segrec.importers.registry import DATASETS
from segrec.importers.selection import FILTERS


@click.command("import")
@click.argument("dataset", type=click.Choice(list(DATASETS)))
@click.argument("source", type=click.Path())
@click.option("--output", type=click.Path(), required=True, help="Folder to write: a word lmdb, and lexicon.jsonl.")
@click.option("--split", help="Of the release.  [default: test; all for synth90k, synthtext and tsv]")
@click.option(
    "--filter",
    "filter_name",
    type=click.Choice(list(FILTERS)),
    help="Only labels of letters and digits; alnum3: of three or more.",
)
@click.option("--subset", help="A subset by the number that papers report, as 1015; sets split and filter.")
@click.option("--names", type=click.Path(), help="File with the names of the words to take, one per line.")
@setting(
    CutSettings,
    "margin",
    "Added around words cut out of scenes, as a part of their height.",
    kind=click.FloatRange(0, 10),
)
@setting(
    CutSettings,
    "encoding",
    "How words cut out of scenes are stored; jpeg has quality 95. Crops of a release keep their bytes.",
    option="--crops",
)
@click.option("--overwrite", is_flag=True, help="Replace the database or the begun import that the output holds.")
@click.option("--outside", is_flag=True, help="Follow paths of a list (tsv, svtp, cute80) out of the list's folder.")
@workers_option
@common_options(seed=False, device=False)
def command(
    dataset: str,
    source: str,
    output: str,
    split: str | None,
    filter_name: str | None,
    subset: str | None,
    names: str | None,
    margin: float,
    encoding: Encoding,
    overwrite: bool,
    outside: bool,
    workers: int,
) -> None:
    """Write the words of an original release as an lmdb.

    SOURCE is the release's folder, or the list of tsv, svtp and cute80. Run again after an interruption, it goes on
    where it stopped. What is left out is counted by reason.
    """
    from segrec.jobs.import_words import import_words

    result = import_words(
        dataset,
        source,
        output=output,
        split=split,
        filter_name=filter_name,
        subset=subset,
        names=names,
        margin=margin,
        encoding=encoding,
        workers=workers,
        overwrite=overwrite,
        outside=outside,
    )
    verdict = f"; {result.verdict}" if result.verdict else ""
    click.echo(f"{result.output}: {result.words} words of {result.progress.read} listed ({result.added} new){verdict}")

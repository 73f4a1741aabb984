"""What masks gain on a recognizer that people have: trained on with and without them, seed by seed, and compared."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from flagship_report import write_report
from flagship_rows import VARIANTS, Arm, Flagship, arms_of

from segrec.core.easyocr_files import ENGLISH
from segrec.core.errors import SegrecError
from segrec.core.packages import folders_in
from segrec.core.runlog import LOGGER
from segrec.jobs.corrupt_words import MIXED, corrupt_words
from segrec.jobs.precompute import precompute_masks
from segrec.weights import SEGMENTER

WHEELS = {
    "PP-OCRv6_rec_small.onnx": ("rapidocr", "rapidocr/models"),
    "ch_PP-OCRv4_rec_infer.onnx": ("rapidocr-onnxruntime", "rapidocr_onnxruntime/models"),
}
"""Public networks in ONNX by the wheel that holds them, and where in it."""


def find_weights(given: str) -> str:
    """Return the weights that a name stands for: a network in ONNX where its wheel has put it, all others themselves.

    Raises:
        click.ClickException: it is nowhere, and the message says which wheel holds it.
    """
    path = Path(given)
    if path.exists() or path.name not in WHEELS:
        return given
    wheel, folder = WHEELS[path.name]
    found = next((place / path.name for place in folders_in(folder) if (place / path.name).exists()), None)
    if found is None:
        raise click.ClickException(
            f"no {given} here; the wheel {wheel} holds it: pip install --no-deps {wheel}, or unpack it and give "
            f"--pretrained .../{folder}/{path.name}"
        )
    return str(found)


def prepare_data(flagship: Flagship, corrupted: str | None, workers: int) -> Flagship:
    """Return the flagship with the corrupted copy of a set among its test sets, and every mask that it needs made."""
    if corrupted is not None:
        (made,) = corrupt_words(
            flagship.data[corrupted], flagship.work / "corrupted" / corrupted, mixed=True, limit=flagship.limit
        )
        assert made.path.name == MIXED
        flagship.corrupted[f"{corrupted} corrupted"] = str(made.path)
    for words, store in flagship.stores():
        LOGGER.info("masks of %s", words)
        precompute_masks(
            words,
            store,
            segmenter=flagship.segmenter,
            limit=flagship.limit_of(words),
            workers=max(1, workers),
            device=flagship.device,
            amp=flagship.amp,
        )
    return flagship


def rows_of(variants: Sequence[str], seeds: int) -> Iterator[tuple[Arm, int]]:
    """Yield what is to be trained and read: the file as it is, then seed by seed, each variant's control first."""
    yield Arm("file", masked=False), 0
    for seed in range(seeds):
        for variant in variants:
            for arm in arms_of(variant):
                yield arm, seed


@click.command()
@click.option(
    "--pretrained", default=ENGLISH, show_default=True, help="EasyOCR's, or any file that load_pretrained reads."
)
@click.option("--words", multiple=True, required=True, help="Training words. Repeatable.")
@click.option(
    "--ratio", "ratios", multiple=True, type=float, help="Share of each --words in a batch.  [default: equal]"
)
@click.option("--data", multiple=True, required=True, metavar="NAME=WORDS", help="Test words. Repeatable.")
@click.option("--corrupted", metavar="NAME", help="Also test on a corrupted copy of this --data.")
@click.option(
    "--variant",
    "variants",
    multiple=True,
    type=click.Choice(list(VARIANTS)),
    default=tuple(name for name in VARIANTS if "stream" not in name),
    help="Repeatable; streams are not for TRBA and PP-OCR.  [default: all others]",
)
@click.option("--seeds", default=3, show_default=True)
@click.option("--steps", default=250, show_default=True)
@click.option("--batch-size", default=64, show_default=True)
@click.option("--lr", type=float, help="Peak learning rate of all layers.  [default: 3e-4; 3e-5 for a network in ONNX]")
@click.option("--limit", type=int, help="Only the first words of each --data.")
@click.option("--segmenter", default=SEGMENTER, show_default=True)
@click.option("--work", type=click.Path(path_type=Path), default=Path("flagship-work"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("flagship.json"), show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--amp", type=click.Choice(["off", "bf16", "fp16"]), default="off", show_default=True)
@click.option("--workers", default=1, show_default=True)
def main(
    pretrained: str,
    data: tuple[str, ...],
    corrupted: str | None,
    variants: tuple[str, ...],
    seeds: int,
    work: Path,
    output: Path,
    workers: int,
    words: tuple[str, ...],
    ratios: tuple[float, ...],
    **settings: object,
) -> None:
    """Train a recognizer on with and without predicted masks and compare: the input layer, a fusion, all layers.

    OUTPUT gets what `segrec eval --format json` prints, after each row, and a table beside it as .md. A run that was
    killed goes on where it was: run it again. It installs and downloads nothing.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    tests = dict(one.split("=", 1) for one in data if "=" in one)
    if len(tests) < len(data):
        raise click.BadParameter("write NAME=WORDS, each with another name", param_hint="--data")
    if corrupted is not None and corrupted not in tests:
        raise click.BadParameter(f"no --data is called {corrupted}", param_hint="--corrupted")
    try:
        flagship = Flagship(
            pretrained=find_weights(pretrained),
            words=list(words),
            ratios=list(ratios),
            data=tests,
            work=work,
            workers=workers,
            **settings,  # type: ignore[arg-type]
        )
        flagship.check_record(corrupted)
        prepare_data(flagship, corrupted, workers)
        rows = list(rows_of(variants, seeds))
        for number, (arm, seed) in enumerate(rows, start=1):
            LOGGER.info("row %d of %d: %s, seed %d", number, len(rows), arm.name, seed)
            flagship.row(arm, seed)
            write_report(flagship, variants, output)
    except SegrecError as error:
        raise click.ClickException(str(error)) from error
    click.echo(output.with_suffix(".md").read_text("utf-8"), nl=False)


if __name__ == "__main__":
    main()

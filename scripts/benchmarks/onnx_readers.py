"""The command that compares exported networks with PyTorch: texts, masks and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import click
import numpy as np
import torch

from benchmarks.timing import measure, table
from benchmarks.word_sets import first_crops, word_database
from recognizers.loading import load_pretrained
from segrec.core.images import Array
from segrec.jobs.export import export_onnx
from segrec.reader import Reader
from segrec.weights import SEGMENTER, resolve_weights

REFERENCE, EXACT = "PyTorch", "ONNX"
BATCHES = (1, 64)
AT_ONCE = 256


class Agreement(NamedTuple):
    """How many words were read alike, of how many, and the largest difference of their confidences and masks."""

    equal: int
    words: int
    confidence: float
    mask: float


@click.command()
@click.option("--weights", multiple=True, default=("crnn-slim", "crnn-slim-predicted"), show_default=True)
@click.option("--segmenter", default=SEGMENTER, show_default=True, help="Shipped name, run or weights.")
@click.option("--data", multiple=True, type=click.Path(exists=True), help="Word databases.  [default: rendered words]")
@click.option("--words", "count", default=256, show_default=True, type=click.IntRange(min=1), help="Of each, at most.")
@click.option("--timed", default=64, show_default=True, type=click.IntRange(min=1), help="Words of the first, timed.")
@click.option("--repeats", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1))
@click.pass_context
def onnx(
    context: click.Context,
    weights: Sequence[str],
    segmenter: str,
    data: Sequence[str],
    count: int,
    timed: int,
    repeats: int,
    threads: int,
) -> None:
    """Export recognizers, read the same words with them and with PyTorch, and time both.

    The exit code is 1 when a text of the separate networks in ONNX differs. With bfloat16 and with weights in float16
    single texts may, and those of one graph of both networks, which does not round pixels between its steps.
    """
    torch.set_num_threads(threads)
    crops: list[Array] = []
    for database in data or [None]:
        with word_database(database, count) as words:
            crops += first_crops(words, count)
    click.echo(f"torch {torch.__version__}, {threads} threads, {repeats} repeats, {len(crops)} words")
    alike = True
    with TemporaryDirectory() as folder:
        for name in weights:
            readers = exported_readers(name, segmenter, Path(folder), threads)
            click.echo(f"\n## {name}\n")
            for other, found in agreements(readers, crops).items():
                click.echo(
                    f"{other}: {found.equal} of {found.words} texts equal; confidences differ by at most "
                    f"{found.confidence:.1e}, masks by {found.mask:.1e}"
                )
                alike &= found.equal == found.words or other != EXACT
            for batch in BATCHES:
                click.echo(f"\nbatch {batch}, {min(timed, len(crops))} words:\n")
                click.echo(table(measure(calls(readers, crops[:timed], batch), repeats, warm_ups=1)))
    if not alike:
        context.exit(1)


def exported_readers(weights: str, segmenter: str, folder: Path, threads: int) -> dict[str, Reader]:
    """Return the readers in PyTorch, then those in ONNX, by name; a CRNN with a mask channel also as one graph."""
    readers = {
        name: Reader.from_pretrained(weights, segmenter=segmenter, device="cpu", amp=amp)
        for name, amp in ((REFERENCE, "off"), ("PyTorch, bfloat16", "bf16"))
    }
    for name, half in ((EXACT, False), ("ONNX, weights in float16", True)):
        mask_network = folder / f"segmenter-{half}.onnx"
        if not mask_network.exists():
            export_onnx(segmenter, mask_network, half_weights=half)
        alone = export_onnx(weights, folder / f"{Path(weights).name}-{half}.onnx", half_weights=half).output
        readers[name] = Reader.from_onnx(alone, segmenter=mask_network, threads=threads)
    model: Any = load_pretrained(resolve_weights(weights))
    if model.input_spec.mask and not model.charset.is_attention:
        together = export_onnx(weights, folder / f"{Path(weights).name}-reader.onnx", segmenter=segmenter).output
        readers["ONNX, one graph"] = Reader.from_onnx(together, threads=threads)
    return readers


def agreements(readers: dict[str, Reader], crops: Sequence[Array]) -> dict[str, Agreement]:
    """Return how each reader but the first agrees with the first."""
    (_, reference), *others = readers.items()
    counts = {name: [0, 0.0, 0.0] for name, _ in others}
    for start in range(0, len(crops), AT_ONCE):
        some = crops[start : start + AT_ONCE]
        expected = reference.read(some)
        for name, reader in others:
            for one, other in zip(expected, reader.read(some), strict=True):
                if one.text == other.text:
                    counts[name][0] += 1
                    counts[name][1] = max(counts[name][1], abs(one.confidence - other.confidence))
                counts[name][2] = max(counts[name][2], float(np.abs(one.mask - other.mask).max()))
    return {name: Agreement(int(equal), len(crops), *rest) for name, (equal, *rest) in counts.items()}


def calls(readers: dict[str, Reader], crops: Sequence[Array], batch: int) -> dict[str, Callable[[], object]]:
    """Return what reads the crops with each reader, `batch` at a call."""
    parts = [crops[start : start + batch] for start in range(0, len(crops), batch)]

    def read_all(reader: Reader) -> None:
        for part in parts:
            reader.read(part, batch_size=batch)

    return {name: partial(read_all, reader) for name, reader in readers.items()}

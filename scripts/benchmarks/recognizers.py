"""The command that measures what is promised about recognizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np
import torch

from benchmarks.attention import compare_decoding
from benchmarks.one_by_one import compare_evaluation
from benchmarks.random_networks import end_words, enliven, prepared
from benchmarks.timing import report
from benchmarks.waiting import time_waiting, waiting_table
from benchmarks.word_sets import first_crops, mean_length, word_database
from recognizers.aster import Aster
from recognizers.crnn import CRNN
from recognizers.loading import load_pretrained
from segrec.data.words import WordLmdb
from segrec.weights import resolve_weights, shipped_names

DECODING_BOUND, EVALUATION_BOUND = 3.0, 1.3
"""How many times faster than the plain way reading must be."""
WAITING_BOUND = 0.05
"""The largest share of its time that a fine-tuning may wait for data."""
SINGLE, BATCH = 8, 32
"""Crops that are read one by one, and those that are read as one batch."""
ASTER_SLIM, CRNN_SLIM = "aster-slim", "crnn-slim"
SEED = 0
"""Of random weights."""
PARTS = ("decoding", "evaluation", "waiting")


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Repeatable.  [default: all]")
@click.option("--weights", multiple=True, help="Of ASTERs, repeatable.  [default: aster-slim if it is shipped]")
@click.option("--data", type=click.Path(exists=True), help="Word database.  [default: rendered words]")
@click.option("--words", "count", default=256, show_default=True, type=click.IntRange(min=1), help="Words at most.")
@click.option("--repeats", default=9, show_default=True, type=click.IntRange(min=1))
@click.option("--steps", default=60, show_default=True, type=click.IntRange(min=2), help="Of each fine-tuning.")
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(min=1), help="Of each fine-tuning.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(min=0), help="Of each fine-tuning.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1))
@click.pass_context
def recognizers(
    context: click.Context,
    parts: Sequence[str],
    weights: Sequence[str],
    data: str | None,
    count: int,
    repeats: int,
    steps: int,
    batch_size: int,
    workers: int,
    threads: int,
) -> None:
    """Time ASTER's greedy decoding, CRNN's evaluation, and for how long fine-tunings wait for data.

    The first two are compared with the plain way of doing the same; the exit code is 1 when a text differs.
    """
    torch.set_num_threads(threads)
    asters = [*weights] or [name for name in (ASTER_SLIM,) if name in shipped_names()]
    parts = parts or PARTS
    click.echo(f"torch {torch.__version__}, CPU, {threads} threads, {repeats} repeats")
    equal = True
    with word_database(data, count) as words:
        if "decoding" in parts:
            equal &= decoding(words, asters, repeats=repeats)
        if "evaluation" in parts:
            equal &= evaluation(words, count, repeats=repeats)
        if "waiting" in parts:
            timings = time_waiting([CRNN_SLIM, *asters], words, steps=steps, batch_size=batch_size, workers=workers)
            click.echo(f"\nFine-tuning with --train input, {batch_size} words per step, {workers} workers\n")
            click.echo(waiting_table(timings, WAITING_BOUND))
    context.exit(0 if equal else 1)


def decoding(words: WordLmdb, weights: Sequence[str], *, repeats: int) -> bool:
    """Say how fast an ASTER of the public size, and those of the weights, read; return whether all texts are equal.

    The bound is the public size's: a smaller encoder leaves the decoder less to save.
    """
    crops = first_crops(words, BATCH)
    torch.manual_seed(SEED)
    full = Aster()
    images = prepared(crops, full.input_spec)
    enliven(full, images)
    end_words(full, images, mean_length(words, len(crops)))
    equal = True
    named = {name: load_pretrained(resolve_weights(name)) for name in weights}
    for name, aster in {"ASTER of the public size, random weights": full, **named}.items():
        for size in (1, BATCH):
            chosen = crops[:SINGLE] if size == 1 else crops
            comparison = compare_decoding(aster, chosen, batch_size=size, repeats=repeats)
            lengths = [len(own) for _, own in comparison.texts]
            click.echo(
                f"\n{name}: {len(chosen)} words read greedily, {size} at a time; "
                f"{np.mean(lengths):.1f} characters in the mean, {max(lengths)} at most\n"
            )
            equal &= _said(*report(comparison, DECODING_BOUND if aster is full else None))
    return equal


def evaluation(words: WordLmdb, count: int, *, repeats: int) -> bool:
    """Say how fast the shipped CRNN and a random one of the public size are evaluated; return as `decoding`."""
    count = min(count, len(words))
    torch.manual_seed(SEED)
    full = CRNN()
    enliven(full, prepared(first_crops(words, BATCH), full.input_spec))
    models: dict[str, Any] = {
        CRNN_SLIM: load_pretrained(resolve_weights(CRNN_SLIM)),
        "CRNN of the public size, random weights": full,
    }
    equal = True
    for name, model in models.items():
        comparison = compare_evaluation(model, words, count=count, repeats=repeats)
        click.echo(f"\n{name}: evaluation on {count} words\n")
        equal &= _said(*report(comparison, EVALUATION_BOUND))
    return equal


def _said(text: str, equal: bool) -> bool:
    click.echo(text)
    return equal

"""`segrec train`."""

from __future__ import annotations

from typing import Any

import click

from segrec.cli.common import amp_option, common_options, workers_option


@click.group("train")
def command() -> None:
    """Train a recognizer or the segmenter from scratch, or go on with a run."""


@command.command("crnn")
@click.option("--data", multiple=True, required=True, type=click.Path(), help="Word lmdb, repeatable.")
@click.option("--valid", type=click.Path(), help="Word lmdb whose accuracy chooses best.safetensors.")
@click.option("--valid-limit", type=click.IntRange(1), default=1000, show_default=True, help="Words of it to read.")
@click.option(
    "--preset",
    type=click.Choice(["crnn-slim", "crnn"]),
    default="crnn-slim",
    show_default=True,
    help="Size of the network; crnn is the public one's.",
)
@click.option("--steps", type=click.IntRange(1), default=10_000, show_default=True, help="Optimiser steps.")
@click.option("--batch-size", type=click.IntRange(1), default=64, show_default=True, help="Words a step.")
@click.option("--lr", type=float, default=1e-3, show_default=True, help="Peak learning rate.")
@click.option("--output", type=click.Path(), default="runs/crnn", show_default=True, help="Run directory.")
@workers_option
@amp_option
@common_options()
def crnn(data: tuple[str, ...], lr: float, **settings: Any) -> None:
    """Train a CRNN on word databases."""
    from segrec.jobs.train_recognizer import RecognizerTraining, train_recognizer

    run = train_recognizer(RecognizerTraining(data=list(data), learning_rate=lr, **settings))
    click.echo(f"{run}: done, weights in {run / 'best.safetensors'}")


@command.command("segmenter")
@click.option("--words", multiple=True, required=True, type=click.Path(), help="Rendered words, repeatable.")
@click.option("--scenes", multiple=True, type=click.Path(), help="Rendered scenes, repeatable.")
@click.option("--valid", type=click.Path(), help="Rendered words whose pixel F1 chooses best.safetensors.")
@click.option(
    "--preset",
    type=click.Choice(["mgnet", "mgnet-skip", "mgnet-slim"]),
    default="mgnet-slim",
    show_default=True,
    help="Network; mgnet is the paper's.",
)
@click.option("--working-height", type=click.IntRange(16), default=32, show_default=True, help="Height of word crops.")
@click.option("--steps", type=click.IntRange(1), default=2400, show_default=True, help="Optimiser steps.")
@click.option(
    "--phase1-share",
    type=click.FloatRange(0, 1),
    default=0.6,
    show_default=True,
    help="Share of the steps before the guided pass joins in.",
)
@click.option("--word-batch", type=click.IntRange(1), default=32, show_default=True, help="Words a step.")
@click.option("--scene-batch", type=click.IntRange(1), default=4, show_default=True, help="Scenes a step.")
@click.option("--lr", type=float, default=2e-3, show_default=True, help="Peak learning rate.")
@click.option("--lambda1", type=float, default=10.0, show_default=True, help="Weight of the subset loss (Eq. 5).")
@click.option("--pretrained", help="Weights to start from.  [default: from scratch]")
@click.option("--output", type=click.Path(), default="runs/segmenter", show_default=True, help="Run directory.")
@workers_option
@amp_option
@common_options()
def segmenter(words: tuple[str, ...], scenes: tuple[str, ...], lr: float, **settings: Any) -> None:
    """Train the mutually guided network on rendered words and scenes."""
    from segrec.jobs.train_segmenter import SegmenterTraining, train_segmenter

    run = train_segmenter(SegmenterTraining(words=list(words), scenes=list(scenes), learning_rate=lr, **settings))
    click.echo(f"{run}: done, weights in {run / 'best.safetensors'}")

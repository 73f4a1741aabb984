"""The command that times a recognizer's training step as it was once done and as it is done now."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING

import click

from benchmarks.timing import measure, table
from benchmarks.word_sets import word_database

if TYPE_CHECKING:
    from recognizers.configuration import RecognizerNetwork
    from segrec.core.amp import Amp
    from segrec.data.recognition import LoadedBatch

WAYS = {
    "channels first, float32 (before)": (False, "off"),
    "channels last, float32": (True, "off"),
    "channels last, bfloat16 (--amp bf16)": (True, "bf16"),
}
"""Whether the channels lie last in memory, and the precision; the reference first."""


@click.command("training-step")
@click.option("--weights", default="crnn-slim", show_default=True, help="A recognizer: shipped name, run or file.")
@click.option("--data", type=click.Path(exists=True), help="Word database.  [default: rendered words]")
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(min=2))
@click.option("--repeats", default=9, show_default=True, type=click.IntRange(min=1))
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1))
def training_step(weights: str, data: str | None, batch_size: int, repeats: int, threads: int) -> None:
    """Time a step of training all layers on one batch, on the processor: loss, gradients and Adam, each way in turn."""
    import torch

    from recognizers.loading import load_pretrained
    from segrec.weights import resolve_weights

    torch.set_num_threads(threads)
    model = load_pretrained(resolve_weights(weights))
    with word_database(data, batch_size) as words:
        batch = _batch(str(words.path), model, batch_size)
    steps = {name: _step(model, batch, channels_last=last, amp=amp) for name, (last, amp) in WAYS.items()}
    click.echo(f"torch {torch.__version__}, {threads} threads; {weights}, {batch_size} words a step\n")
    click.echo(table(measure(steps, repeats)), nl=False)


def _batch(words: str, model: RecognizerNetwork, batch_size: int) -> LoadedBatch:
    from segrec.data.masks.sources import ZeroMasks
    from segrec.data.recognition import WordSet
    from segrec.data.words import WordLmdb
    from segrec.jobs.recognizer_fit import recognition_batches
    from segrec.jobs.recognizer_settings import RecognizerTraining
    from segrec.training.distributed import launched

    settings = RecognizerTraining([words], "", steps=1, batch_size=batch_size, workers=0, augment=False)
    with launched("cpu") as world:
        chosen = WordSet(WordLmdb(words), ZeroMasks() if model.input_spec.mask else None)
        batches = recognition_batches([chosen], model, settings=settings, world=world)
        return next(iter(batches(0)))


def _step(model: RecognizerNetwork, batch: LoadedBatch, *, channels_last: bool, amp: Amp) -> Callable[[], None]:
    """Return a function that trains a copy of a recognizer by one step."""
    import torch

    from recognizers.training import recognition_loss
    from segrec.training.memory_format import with_channels_last

    network = deepcopy(model).train()
    network = with_channels_last(network) if channels_last else network
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-5)

    def step() -> None:
        optimiser.zero_grad()
        recognition_loss(network, batch.batch, device=torch.device("cpu"), amp=amp)["loss"].backward()
        optimiser.step()

    return step

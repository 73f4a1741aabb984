"""The command that compares a Reader with its networks alone: what all the work around them takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import cv2
import numpy as np
import torch

from benchmarks.timing import CLOCKS, Row, machine, measure, table
from benchmarks.word_sets import first_crops, word_database
from segrec.core.images import Array
from segrec.jobs.export import export_onnx
from segrec.pages.crop_networks import TwoNetworks
from segrec.reader import Reader
from segrec.weights import CONTROL, READER, SEGMENTER

Call = Callable[[], object]
NETWORKS, WHOLE = "the networks alone, on the same batches", "the Reader"


@click.command()
@click.option("--plain", default=CONTROL, show_default=True, help="Recognizer without a mask: name, run or file.")
@click.option("--masked", default=READER, show_default=True, help="Recognizer with a mask channel.")
@click.option("--segmenter", default=SEGMENTER, show_default=True, help="Of the masks.")
@click.option("--data", type=click.Path(exists=True), help="Word database.  [default: rendered words]")
@click.option("--words", "count", default=640, show_default=True, type=click.IntRange(min=1), help="Words at most.")
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(min=1), help="Words of one call.")
@click.option("--repeats", default=9, show_default=True, type=click.IntRange(min=1))
@click.option("--clock", default="processor", show_default=True, type=click.Choice(list(CLOCKS)))
@click.option("--most", default=10.0, show_default=True, help="Per cent more than the networks take that are allowed.")
@click.pass_context
def reader(
    context: click.Context,
    plain: str,
    masked: str,
    segmenter: str,
    data: str | None,
    count: int,
    batch_size: int,
    repeats: int,
    clock: str,
    most: float,
) -> None:
    """Time a Reader beside its networks alone, plain and masked, in PyTorch and in ONNX, on one thread.

    The networks get the batches that the Reader made of the same pictures, which were decoded before; both take turns
    in one process, and the median of the ratios counts. The exit code is 1 where a Reader takes more than --most.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with word_database(data, count) as words:
        crops = first_crops(words, count)
    click.echo(f"{machine()}, 1 thread, {repeats} repeats, {clock} time; {len(crops)} words, {batch_size} at a time")
    slow = False
    with TemporaryDirectory() as folder:
        for name, opened in readers(plain, masked, segmenter, Path(folder)).items():
            rows = compare(opened, crops, batch_size, repeats=repeats, clock=CLOCKS[clock])
            more = 100 * (1 / float(np.median(rows[1].ratios)) - 1)
            slow = slow or more > most
            click.echo(f"\n{name}: {more:+.1f}% around its networks\n\n{table(rows)}", nl=False)
    context.exit(int(slow))


def readers(plain: str, masked: str, segmenter: str, folder: Path) -> dict[str, Reader]:
    """Return a reader without masks and one with them, each in PyTorch and in ONNX, by what they are called."""
    found = {
        f"{plain}, PyTorch": Reader.from_pretrained(plain, segmenter=None, device="cpu"),
        f"{masked} with its masks, PyTorch": Reader.from_pretrained(masked, segmenter=segmenter, device="cpu"),
    }
    files = {name: str(export_onnx(name, folder / f"{Path(name).name}.onnx").output) for name in (plain, masked)}
    masks = export_onnx(segmenter, folder / "segmenter.onnx").output
    found[f"{plain}, ONNX"] = Reader.from_onnx(files[plain], segmenter=None, threads=1)
    found[f"{masked} with its masks, ONNX"] = Reader.from_onnx(files[masked], segmenter=masks, threads=1)
    return found


def compare(
    opened: Reader, crops: Sequence[Array], batch_size: int, *, repeats: int, clock: Callable[[], float]
) -> list[Row]:
    """Return the times of the networks, the reference, and of the whole Reader.

    Args:
        opened: of two networks, or of a recognizer alone.
        crops: (H, W, 3) uint8 RGB.
        batch_size: words of one call.
        repeats: measurements.
        clock: gives seconds.
    """
    parts = [crops[start : start + batch_size] for start in range(0, len(crops), batch_size)]

    def read_all() -> None:
        for part in parts:
            opened.read(part, batch_size=batch_size)

    with recorded(opened) as calls:
        read_all()

    def run_networks() -> None:
        with torch.inference_mode():
            for call in calls:
                call()

    return measure({NETWORKS: run_networks, WHOLE: read_all}, repeats, warm_ups=1, clock=clock)


@contextmanager
def recorded(opened: Reader) -> Iterator[list[Call]]:
    """Give the list of the runs of its networks that a reader makes meanwhile, each to be made again."""
    calls: list[Call] = []
    with ExitStack() as stack:
        for owner, name in _networks(opened):
            original = getattr(owner, name)

            def noted(*given: Any, original: Callable[..., object] = original) -> object:
                calls.append(lambda: original(*given))
                return original(*given)

            setattr(owner, name, noted)
            stack.callback(delattr, owner, name)
        yield calls


def _networks(opened: Reader) -> list[tuple[Any, str]]:
    """Return each network of a reader and the name of the function that runs it."""
    parts: Any = opened._networks
    found = [_runner(parts.recognizer, "model", "forward")]
    if isinstance(parts, TwoNetworks):
        found.append(_runner(parts.segmenter, "_network", "text_mask"))
    return found


def _runner(predictor: Any, in_torch: str, function: str) -> tuple[Any, str]:
    model = getattr(predictor, in_torch, None)
    return (model, function) if isinstance(model, torch.nn.Module) else (predictor._network, "run")

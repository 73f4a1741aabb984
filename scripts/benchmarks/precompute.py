"""The command that times precomputing masks against the segmenter's network alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
import numpy as np

from benchmarks.timing import measure, table
from benchmarks.word_sets import word_database
from segrec.weights import SEGMENTER

if TYPE_CHECKING:
    from torch import Tensor

    from segmenter.fused import FusedNet
    from segmenter.predictor import TorchSegmenter
    from segrec.core.images import Array
    from segrec.data.words import WordLmdb

LEAST_SHARE = 0.9


class BatchRecorder:
    """Keeps the batches that a segmenter would be given and predicts nothing.

    Args:
        segmenter: prepares the pictures.
    """

    def __init__(self, segmenter: TorchSegmenter) -> None:
        self.device, self.prepare, self.turns = segmenter.device, segmenter.prepare, segmenter.turns
        self.batches: list[Tensor] = []
        """(N, 3, H, W) uint8 each, channels last in memory."""

    def text_of_prepared(self, pictures: Sequence[Array]) -> list[np.ndarray]:
        """Return empty masks for a batch, having kept it."""
        import torch

        from segmenter.preprocess import padded_batch

        batch = torch.from_numpy(padded_batch(pictures))
        self.batches.append(batch.permute(0, 3, 1, 2))
        return [np.zeros(picture.shape[:2], np.float32) for picture in pictures]


class Threshold:
    """Stands in the network's place and costs next to nothing: text is what is brighter than the picture's mean.

    Args:
        segmenter: prepares the pictures.
    """

    def __init__(self, segmenter: TorchSegmenter) -> None:
        self.device, self.prepare, self.turns = segmenter.device, segmenter.prepare, segmenter.turns
        self.working_height = segmenter.working_height

    def text_of_prepared(self, pictures: Sequence[Array]) -> list[np.ndarray]:
        """Return masks, (H, W) float32 in [0, 1], with edges as many as the pictures have."""
        greens = [picture[:, :, 1] for picture in pictures]
        return [(green > green.mean()).astype(np.float32) for green in greens]


@click.command()
@click.option("--data", type=click.Path(), help="A word lmdb; without it words are rendered.")
@click.option("--segmenter", "weights", default=SEGMENTER, show_default=True, help="Shipped name or weights file.")
@click.option("--count", default=2000, show_default=True, type=click.IntRange(min=1), help="Words.")
@click.option("--repeats", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1), help="Torch's.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(min=1), help="Threads besides torch's.")
@click.option("--amp", type=click.Choice(["off", "bf16", "fp16"]), default="off", show_default=True)
def precompute(data: str | None, weights: str, count: int, repeats: int, threads: int, workers: int, amp: str) -> None:
    """Time `segrec precompute-masks` on the CPU, from the database to the store, against the network alone.

    The network alone gets the same batches, which lie in memory ready for it, and its result is not used.
    """
    import torch

    from segmenter.fused import FusedNet
    from segrec.jobs.precompute import open_segmenter

    torch.set_num_threads(threads)
    segmenter, _ = open_segmenter(weights, device="cpu", amp=amp)
    with word_database(data, count) as words:
        count = min(count, len(words))
        batches = same_batches(segmenter, words, count)
        network = FusedNet(segmenter.model).to(memory_format=torch.channels_last)
        with TemporaryDirectory() as folder:
            functions = {
                "the network alone, on the same batches": partial(network_alone, network, batches, amp),
                "from database to store": partial(end_to_end, segmenter, words, count, Path(folder), workers),
                "the same with a threshold in the network's place": partial(
                    end_to_end, Threshold(segmenter), words, count, Path(folder), workers
                ),
            }
            processor: dict[str, list[float]] = {name: [] for name in functions}
            counted = {name: partial(with_processor, one, processor[name]) for name, one in functions.items()}
            rows = measure(counted, repeats, warm_ups=1)
    click.echo(
        f"torch {torch.__version__}, {threads} threads, {workers} workers, AMP {amp}, {repeats} repeats; "
        f"{weights}, {count} words of {data or 'the renderer'} in {len(batches)} batches\n"
    )
    click.echo(table(rows), nl=False)
    alone, whole, rest = (count / float(np.median(row.seconds)) for row in rows)
    share = float(np.median(rows[1].ratios))
    verdict = "holds" if share >= LEAST_SHARE else "DOES NOT HOLD"
    click.echo(
        f"\n{alone:.0f} words/s by the network alone, {whole:.0f} words/s from database to store, and at most "
        f"{rest:.0f} words/s by this process with a network however fast"
    )
    click.echo(f"at least {LEAST_SHARE:.0%} of the network's own rate: {verdict} ({share:.1%})")
    used, used_whole, _ = (np.array(seconds[1:]) for seconds in processor.values())  # without the warm-up
    click.echo(
        f"by processor time, which other programs disturb less, as if nothing ran side by side: "
        f"{np.median(used / used_whole):.1%} ({1000 * np.median(used) / count:.2f} of "
        f"{1000 * np.median(used_whole) / count:.2f} ms per word)"
    )


def with_processor(function: Callable[[], None], seconds: list[float]) -> None:
    """Call a function and add the processor time of all its threads to `seconds`."""
    before = time.process_time()
    function()
    seconds.append(time.process_time() - before)


def same_batches(segmenter: TorchSegmenter, words: WordLmdb, count: int) -> list[Tensor]:
    """Return the batches that the network is given for the first words."""
    from segrec.data.masks.codec import DEFAULT_CODEC, mask_codec
    from segrec.jobs.mask_stream import encoded_masks, pieces
    from segrec.jobs.precompute import CHUNK
    from segrec.jobs.precompute_settings import Precomputing

    recorder = BatchRecorder(segmenter)
    todo = pieces((1, count), 1, count, chunk=CHUNK)
    encode = mask_codec(DEFAULT_CODEC).encode
    for _ in encoded_masks(words, recorder, encode, todo=todo, batch_size=Precomputing.batch_size, workers=1):
        pass
    return recorder.batches


def network_alone(network: FusedNet, batches: Sequence[Tensor], amp: str) -> None:
    """Compute the text logits of batches and throw them away, in torch's threads as they are set."""
    import torch

    from segmenter.network import normalise_images
    from segrec.core.device import autocast

    with torch.inference_mode(), autocast(torch.device("cpu"), amp):
        for batch in batches:
            network.text_mask(normalise_images(batch))


def end_to_end(segmenter: TorchSegmenter | Threshold, words: WordLmdb, count: int, folder: Path, workers: int) -> None:
    """Write a store of the first words."""
    from segrec.data.masks.record import SegmenterRecord
    from segrec.jobs.precompute import precompute_shard, predicted_record

    with TemporaryDirectory(dir=folder) as store:
        record = predicted_record(words, segmenter, SegmenterRecord("timed", ""), count=count)
        precompute_shard(words, store, segmenter, record, workers=workers)

"""Commands that time the segmenter and its CRF loss."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np

from benchmarks.timing import measure, table
from segrec.core.tables import markdown_table
from segrec.weights import SEGMENTER

MSER_SECONDS = 1.0
"""What MSER + SWT may take for a picture of 640x480 pixels."""


@click.command()
@click.option("--weights", default=SEGMENTER, show_default=True, help="Shipped name, run or weights file.")
@click.option("--repeats", default=40, show_default=True, type=click.IntRange(min=3))
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1))
def segmenter(weights: str, repeats: int, threads: int) -> None:
    """Time the masks of a word crop of 64x256 pixels against the network's full two-phase forward pass."""
    import torch

    from segmenter.loading import load_segmenter
    from segmenter.network import normalise_images
    from segrec.reader import Segmenter
    from segrec.weights import resolve_weights

    torch.set_num_threads(threads)
    network = load_segmenter(resolve_weights(weights))
    shipped = Segmenter.from_pretrained(weights, device="cpu")
    click.echo(
        f"torch {torch.__version__}, {threads} threads, {repeats} repeats, one crop at a time; "
        f"{weights}: width {network.width}, working height {network.working_height}"
    )
    for height in sorted({64, shipped.working_height}, reverse=True):
        crop = np.random.default_rng(0).integers(0, 256, (height, 4 * height, 3), dtype=np.uint8)
        images = normalise_images(torch.from_numpy(crop).permute(2, 0, 1)[None]).contiguous()
        predictor = Segmenter.from_pretrained(weights, device="cpu", working_height=height)
        functions: dict[str, Callable[[], object]] = {
            "`forward(images, phases=2)`, the reference": partial(network, images, phases=2),
            "`text_mask(images)`": partial(network.text_mask, images),
            "`predict([crop])`, both masks": partial(predictor.predict, [crop]),
            "`predict_text([crop])`": partial(predictor.predict_text, [crop]),
        }
        if height != shipped.working_height:
            functions |= {
                f"`predict([crop])` as shipped, at height {shipped.working_height}": partial(shipped.predict, [crop]),
                f"`predict_text([crop])` as shipped, at height {shipped.working_height}": partial(
                    shipped.predict_text, [crop]
                ),
            }
        click.echo(f"\nA crop of {height} x {4 * height}, every function on all its pixels unless said otherwise:\n")
        with torch.inference_mode():
            click.echo(table(measure(functions, repeats)), nl=False)


@click.command()
@click.argument("photographs", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--repeats", default=20, show_default=True, type=click.IntRange(min=1))
def mser(photographs: tuple[Path, ...], repeats: int) -> None:
    """Time MSER + SWT on photographs, resized to 640x480 pixels; without one, on a rendered scene."""
    import cv2

    from segmenter.baselines.mser import text_strokes
    from segrec.core.images import decode_image, read_image
    from segrec.core.resampling import resample
    from segrec.rendering.scenes import SceneRenderer

    cv2.setNumThreads(1)
    pictures = {path.name: read_image(path) for path in photographs}
    if not pictures:
        pictures = {"a rendered scene": decode_image(SceneRenderer(0).render(0).jpeg)}
    functions = {name: partial(text_strokes, resample(picture, (480, 640))) for name, picture in pictures.items()}
    click.echo(f"OpenCV {cv2.__version__}, one thread, {repeats} repeats; pictures of 640x480 pixels\n")
    seconds = {row.name: np.percentile(row.seconds, [10, 50, 90]) for row in measure(functions, repeats, warm_ups=1)}
    cells = [
        [name, *(f"{1000 * one:.0f}" for one in (middle, low, high))] for name, (low, middle, high) in seconds.items()
    ]
    click.echo(markdown_table(["photograph", "milliseconds", "10% of repeats", "90%"], cells, numbers=3), nl=False)
    slowest = max(seconds, key=lambda name: seconds[name][1])
    verdict = "holds" if seconds[slowest][1] < MSER_SECONDS else "DOES NOT HOLD"
    click.echo(f"\nunder {MSER_SECONDS:g} s a picture: {verdict} ({seconds[slowest][1]:.2f} s, {slowest})")


@click.command()
@click.option("--device", default="auto", show_default=True)
@click.option("--side", default=512, show_default=True, type=click.IntRange(min=16), help="Of the square picture.")
@click.option("--width", default=64, show_default=True, type=click.IntRange(min=1), help="Of the network.")
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1))
def crf(device: str, side: int, width: int, repeats: int, threads: int) -> None:
    """Time the CRF loss of two maps, forward and backward, against a training step of the network without it."""
    import torch

    from segmenter.crf import BACKENDS, dense_crf_loss
    from segmenter.losses import semi_supervised_loss
    from segmenter.network import MutuallyGuidedNet, normalise_images
    from segrec.core.device import resolve_device

    torch.set_num_threads(threads)
    where = resolve_device(device)
    network = MutuallyGuidedNet(width=width).to(where)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    images = torch.randint(0, 256, (1, 3, side, side), device=where, dtype=torch.uint8)
    target = (torch.rand(1, 1, side, side, device=where) > 0.9).float()
    logits = torch.randn(1, 2, side, side, device=where, requires_grad=True)

    def finish() -> None:
        if where.type == "cuda":
            torch.cuda.synchronize(where)

    def training_step() -> None:
        optimiser.zero_grad()
        semi_supervised_loss(network(normalise_images(images), phases=2), target)["loss"].backward()
        optimiser.step()
        finish()

    def crf_loss(backend: str) -> None:
        dense_crf_loss(logits, images, backend=backend).sum().backward()
        finish()

    functions: dict[str, Callable[[], object]] = {"a training step, the reference": training_step}
    for backend in BACKENDS:
        if backend != "exact":  # not made for this size
            functions[f"the CRF loss, {backend}"] = partial(crf_loss, backend)
    click.echo(
        f"torch {torch.__version__} on {where}, {threads} threads, {repeats} repeats; one {side} x {side} picture of "
        f"noise, two maps; network of width {width}, two phases, forward, backward and Adam\n"
    )
    rows = measure(functions, repeats, warm_ups=1)
    click.echo(table(rows), nl=False)
    for row in rows[1:]:
        shares = [100 / ratio for ratio in row.ratios]
        click.echo(f"\n{row.name}: {np.median(shares):.2f}% of a step (worst repeat {max(shares):.2f}%)")

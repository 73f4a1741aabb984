"""Measures what this project promises about speed; every figure comes with its spread over repeats."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import click
import numpy as np


class Row(NamedTuple):
    """One measured function beside the reference: its times in seconds, and reference time / own time, by repeat."""

    name: str
    seconds: list[float]
    ratios: list[float]


@click.group()
def main() -> None:
    """Measure speed on this machine; close other programs first."""


def measure(functions: Mapping[str, Callable[[], object]], repeats: int, *, warm_ups: int = 2) -> list[Row]:
    """Return a row for each function; the first is the reference.

    Each is called `warm_ups` times before its time is taken. A repeat calls all of them in turn, so that a machine
    that becomes slower or faster does so for all, and ratios are taken within a repeat.
    """
    for function in functions.values():
        for _ in range(warm_ups):
            function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    reference = next(iter(seconds.values()))
    return [
        Row(name, taken, [base / one for base, one in zip(reference, taken, strict=True)])
        for name, taken in seconds.items()
    ]


def table(rows: list[Row]) -> str:
    """Return a markdown table: medians, and from which tenth to which the repeats spread."""
    lines = [
        "| what | milliseconds (10% to 90% of repeats) | times faster (10% to 90%) |",
        "|---|---:|---:|",
    ]
    for row in rows:
        low, middle, high = np.percentile(np.array(row.seconds) * 1000, [10, 50, 90])
        slowest, ratio, fastest = np.percentile(row.ratios, [10, 50, 90])
        lines.append(
            f"| {row.name} | {middle:.1f} ({low:.1f} to {high:.1f}) | {ratio:.2f} ({slowest:.2f} to {fastest:.2f}) |"
        )
    return "\n".join(lines)


@main.command()
@click.option("--weights", default="mgnet-slim", show_default=True, help="Shipped name, run or weights file.")
@click.option("--repeats", default=40, show_default=True, type=click.IntRange(min=3))
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1))
def segmenter(weights: str, repeats: int, threads: int) -> None:
    """Time the masks of a word crop of 64x256 pixels against the network's full two-phase forward pass."""
    import torch

    from segmenter.loading import load_segmenter
    from segmenter.network import normalise_images
    from segrec.pretrained import Segmenter
    from segrec.shipped import resolve_weights

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
            click.echo(table(measure(functions, repeats)))


@main.command()
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
    click.echo(table(rows))
    for row in rows[1:]:
        shares = [100 / ratio for ratio in row.ratios]
        click.echo(f"\n{row.name}: {np.median(shares):.2f}% of a step (worst repeat {max(shares):.2f}%)")


if __name__ == "__main__":
    main()

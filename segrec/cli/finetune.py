"""`segrec finetune`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from segrec.cli.recognizer_options import optimisation_options, peak_rate
from segrec.data.masks.kinds import MASK_KINDS
from segrec.weights import SEGMENTER


@click.command("finetune")
@click.argument("architecture", type=click.Choice(["crnn", "aster"]))
@click.option(
    "--pretrained",
    help="Shipped name, run, weights or public checkpoint.  [default: crnn-slim or aster-slim]",
)
@click.option(
    "--data", multiple=True, type=click.Path(), help="Word lmdb, repeatable; without it the demo set is used."
)
@click.option("--masks", multiple=True, type=click.Path(), help="Mask store of each --data, in the same order.")
@click.option(
    "--mask", type=click.Choice(MASK_KINDS), default="predicted", show_default=True, help="What the channel holds."
)
@click.option(
    "--init",
    type=click.Choice(["random", "zero-mask", "luma"]),
    default="zero-mask",
    show_default=True,
    help="How the widened layer starts; random is the paper's.",
)
@click.option(
    "--fusion",
    type=click.Choice(["input", "adapter", "sft"]),
    default="input",
    show_default=True,
    help="How the mask joins: a fourth input channel (the paper's), added to the picture, or scaling the first maps.",
)
@click.option("--mask-in-rectifier", is_flag=True, help="Widen the rectifier's input too; without, it sees no mask.")
@click.option("--train", type=click.Choice(["input", "all"]), default="input", show_default=True, help="Which layers.")
@click.option(
    "--mask-lr",
    "mask_learning_rate",
    type=float,
    help="Peak learning rate of the mask's weights.  [default: 0.01; 0.005 with --train all; 0.002 with another "
    "--fusion than input; --lr with adadelta]",
)
@click.option(
    "--colour-lr",
    "colour_learning_rate",
    type=float,
    help="Peak learning rate of the input layer's other weights; 0 freezes them.  [default: --lr]",
)
@click.option(
    "--mask-dropout", type=float, default=0.0, show_default=True, help="Share of words seen without their mask."
)
@click.option(
    "--norms",
    type=click.Choice(["frozen", "train", "reestimate"]),
    help="BatchNorm's statistics; reestimate: in a pass at the end.  [default: frozen; train with --train all]",
)
@click.option("--segmenter", default=SEGMENTER, show_default=True, help="Predicts masks where no store is named.")
@click.option("--valid-masks", type=click.Path(), help="Mask store of --valid.")
@click.option(
    "--output",
    type=click.Path(),
    help="Run directory.  [default: runs/ARCHITECTURE-MASK; without --data in segrec-demo/]",
)
@click.option(
    "--resume", default="auto", show_default=True, help="auto goes on with --output; or name a run directory."
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Runs, with seeds from --seed on; several go to OUTPUT/seed-0 and so on.",
)
@optimisation_options(
    steps=300, optimizer="adam", weight_decay=0.0, evaluate_every=50, checkpoint_every=50, augment=False
)
def command(
    architecture: str,
    data: tuple[str, ...],
    masks: tuple[str, ...],
    output: str | None,
    resume: str,
    seeds: int,
    lr: float | None,
    **settings: Any,
) -> None:
    """Widen a pretrained recognizer to RGB + mask and fine-tune it.

    aster takes every attention recognizer with a rectifier, crnn every one with CTC. Run again after an interruption,
    it goes on from the last checkpoint. Under torchrun, the processes share each batch.
    """
    from segrec.core.errors import ConfigError
    from segrec.jobs.demo_set import FOLDER, demo_set
    from segrec.jobs.finetune import FineTuning, finetune_seeds
    from segrec.jobs.precompute import precompute_masks
    from segrec.training.distributed import is_main_process

    mask, segmenter = settings["mask"], settings["segmenter"]
    if not data:
        if os.environ.get("WORLD_SIZE", "1") != "1":
            raise ConfigError("several processes cannot make the demo set together; name words with --data")
        demo = demo_set("train")
        data, output = (str(demo.words),), output or str(FOLDER / "runs" / f"{architecture}-{mask}")
        if mask == "predicted" and not masks and segmenter == SEGMENTER:
            store = precompute_masks(demo.words, demo.masks, device=settings["device"]).store
            masks = (str(store),)
    if resume != "auto":
        if not (Path(resume) / "run.json").exists():
            raise ConfigError(f"{resume} holds no run to resume (no run.json); name a run directory or use auto")
        output = resume
    runs = finetune_seeds(
        FineTuning(
            data=list(data),
            masks=list(masks),
            output=output or f"runs/{architecture}-{mask}",
            architecture=architecture,
            learning_rate=peak_rate(lr, settings),
            **settings,
        ),
        seeds,
    )
    for run in runs if is_main_process() else ():
        click.echo(f"{run}: done, weights in {run / 'best.safetensors'}")

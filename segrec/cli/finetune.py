"""`segrec finetune`."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import click

from segrec.cli.recognizer_options import optimisation_options, peak_rate
from segrec.cli.setting import setting
from segrec.jobs.common_settings import DEMO
from segrec.jobs.finetune_settings import FUSION_RATES, MASK_RATES, FineTuning
from segrec.weights import ASTER, PLAIN, SEGMENTER

tuned = partial(setting, FineTuning)


@click.command("finetune")
@click.argument("architecture", type=click.Choice(["crnn", "aster"]))
@tuned("pretrained", f"Shipped name, run, weights or public checkpoint.  [default: {PLAIN} or {ASTER}]")
@click.option(
    "--data", multiple=True, type=click.Path(), help="Word lmdb, repeatable; without it the demo set is used."
)
@tuned("masks", "Mask store of each --data, in the same order.", kind=click.Path())
@tuned("mask", "What the channel holds.")
@tuned("init", "How the widened layer starts; random is the paper's.")
@tuned(
    "fusion",
    "How the mask joins: a fourth input channel (the paper's), added to the picture, scaling the first maps, or read "
    "by a copy of the first layers.",
)
@tuned("mask_in_rectifier", "Widen the rectifier's input too; without, it sees no mask.")
@tuned("train", "Which layers.")
@tuned(
    "mask_learning_rate",
    f"Peak learning rate of the mask's weights.  [default: {MASK_RATES['input']:g}; {MASK_RATES['all']:g} with --train "
    f"all; {FUSION_RATES['sft']:g} with adapter and sft, {FUSION_RATES['stream']:g} with stream; --lr with adadelta]",
    option="--mask-lr",
)
@tuned(
    "colour_learning_rate",
    "Peak learning rate of the input layer's other weights; 0 freezes them.  [default: --lr]",
    option="--colour-lr",
)
@tuned("mask_dropout", "Share of words seen without their mask.")
@tuned("norms", "BatchNorm's statistics; reestimate: in a pass at the end.  [default: frozen; train with --train all]")
@tuned("segmenter", "Predicts masks where no store is named.")
@tuned("valid_masks", "Mask store of --valid.", kind=click.Path())
@click.option(
    "--output",
    type=click.Path(),
    help=f"Run directory.  [default: runs/ARCHITECTURE-MASK; without --data in {DEMO}/]",
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
@optimisation_options(FineTuning)
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
    from segrec.jobs.finetune import finetune_seeds
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

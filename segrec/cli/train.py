"""`segrec train`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click
from click.core import ParameterSource

from segmenter.choices import PRESETS
from segrec.cli.common import common_options, training_amp_option, workers_option
from segrec.cli.recognizer_options import optimisation_options, peak_rate
from segrec.cli.setting import Command, long_names, setting, together
from segrec.jobs.recognizer_settings import RecognizerTraining
from segrec.jobs.segmenter_settings import SegmenterTraining
from segrec.jobs.segmenter_stages import Stage


@click.group("train")
def command() -> None:
    """Train a recognizer or the segmenter from scratch, or go on with a run."""


trained = partial(setting, RecognizerTraining)
mask_trained = partial(setting, SegmenterTraining)


def recognizer_options(architecture: str, presets: Sequence[str]) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of `train crnn` and `train aster`."""
    return together(
        click.option("--data", multiple=True, required=True, type=click.Path(), help="Word lmdb, repeatable."),
        trained(
            "preset",
            f"Size of the network; {presets[-1]} is the public one's.  [default: {presets[0]}]",
            kind=click.Choice(presets),
        ),
        trained(
            "charset",
            "What it learns to read; labels lose what is not in it.  [default: alnum]",
            metavar="alnum|printable|FILE|CHARACTERS",
        ),
        trained("pretrained", "Weights to start from.  [default: from scratch]"),
        click.option(
            "--output", type=click.Path(), default=f"runs/{architecture}", show_default=True, help="Run directory."
        ),
        optimisation_options(RecognizerTraining),
    )


@command.command("crnn")
@recognizer_options("crnn", ["crnn-slim", "crnn"])
def crnn(**settings: Any) -> None:
    """Train a CRNN on word databases.

    Run again after an interruption, it goes on. Under torchrun, the processes share each batch.
    """
    _train_recognizer("crnn", **settings)


@command.command("aster")
@recognizer_options("aster", ["aster-slim", "aster"])
@trained("bidirectional", "Learn a second decoder too, which writes from right to left.")
@trained(
    "ctc_weight",
    "Weight of a CTC loss that helps the encoder; not in the paper.",
    former=("--ctc-aid",),
    kind=click.FloatRange(0),
)
def aster(**settings: Any) -> None:
    """Train an ASTER on word databases.

    Run again after an interruption, it goes on. Under torchrun, the processes share each batch.
    """
    _train_recognizer("aster", **settings)


def _train_recognizer(architecture: str, data: tuple[str, ...], lr: float | None, **settings: Any) -> None:
    from segrec.jobs.train_recognizer import train_recognizer
    from segrec.training.distributed import is_main_process

    rate = peak_rate(lr, settings)
    run = train_recognizer(
        RecognizerTraining(data=list(data), architecture=architecture, learning_rate=rate, **settings)
    )
    if is_main_process():
        click.echo(f"{run}: done, weights in {run / 'best.safetensors'}")


PLAIN_PLAN = ("steps", "phase1_share", "learning_rate", "lambda1", "lambda2", "outside", "cross_entropy")
"""Options that make up the plan of two stages and say nothing beside `--stage`."""

_EXAMPLE = "expected a table such as {name = '1a', steps = 100, lr = 1e-4}"


def _stage(value: str | dict[str, object]) -> Stage:
    """Return the stage of a recipe's table, or of the same as an inline TOML table on the command line."""
    import tomllib

    from segrec.core.errors import ConfigError
    from segrec.jobs.segmenter_stages import stage_of

    try:
        table = tomllib.loads(f"stage = {value}")["stage"] if isinstance(value, str) else value
        if not isinstance(table, dict):
            raise click.BadParameter(f"{_EXAMPLE}, got {repr(value)[:200]}")
        return stage_of(table)
    except ConfigError as error:
        raise click.BadParameter(str(error)) from error
    except (ValueError, RecursionError) as error:  # of TOML, and of numbers with thousands of digits
        raise click.BadParameter(f"{_EXAMPLE}, got {repr(value)[:200]}: {error}") from error


@command.command("segmenter")
@mask_trained("words", "Pictures that are word crops, repeatable.", metavar="SPEC")
@mask_trained("scenes", "Pictures of which windows are cut, repeatable.", metavar="SPEC")
@mask_trained("valid", "Pictures whose F1 chooses best.safetensors, repeatable.", metavar="SPEC")
@mask_trained("valid_limit", "Pictures of each to score.", kind=click.IntRange(1))
@mask_trained("model", "Network: the mutually guided one, or one that the paper compares it with.")
@mask_trained("preset", "Kind of mgnet; mgnet is the paper's.", kind=click.Choice(list(PRESETS)))
@mask_trained(
    "width",
    "Channels of the first stage; more than --pretrained has adds some.  [default: its, the preset's, or as published]",
    kind=click.IntRange(1),
)
@mask_trained("polygon_branch", "Give another model than mgnet a branch for polygons (Exp-2).")
@mask_trained("working_height", "Height of word crops.", kind=click.IntRange(16))
@mask_trained("word_width", "Width of word samples.", kind=click.IntRange(16))
@mask_trained("scene_side", "Side of scene windows.", kind=click.IntRange(16))
@mask_trained(
    "scene_zoom",
    "Smallest and largest zoom of scene windows; a low one shows large letters small.  [default: 0.5 1.6]",
    nargs=2,
    metavar="LOW HIGH",
)
@mask_trained(
    "stages",
    "A stage of the plan, repeatable; [[stage]] in a recipe.  [default: two, from the options below]",
    option="--stage",
    kind=_stage,
    metavar="TABLE",
)
@mask_trained("steps", "Optimiser steps.", kind=click.IntRange(1))
@mask_trained("phase1_share", "Share of the steps before the guided pass joins in.", kind=click.FloatRange(0, 1))
@mask_trained("learning_rate", "Peak learning rate.", option="--lr")
@mask_trained("lambda1", "Subset loss (Eq. 5).", kind=click.FloatRange(0))
@mask_trained("lambda2", "Dense CRF loss (Eq. 5).", kind=click.FloatRange(0))
@mask_trained(
    "outside",
    "Weight of an empty text mask outside polygons, where they are the only truth; not in the paper.",
    kind=click.FloatRange(0),
)
@mask_trained("cross_entropy", "Weight of a pixel-wise cross-entropy; not in the paper.", kind=click.FloatRange(0))
@mask_trained("crf_backend", "How the CRF's affinity is applied.")
@mask_trained(
    "supervision",
    "Of a picture with both masks, learn from one drawn at each visit (the paper), from both, or from one kind; "
    "region-as-text takes the region for the text (Exp-1).",
)
@mask_trained("word_supervision", "The same for word crops.  [default: as --supervision]")
@mask_trained("word_batch", "Words per step.", kind=click.IntRange(1))
@mask_trained("scene_batch", "Scene windows per step.", kind=click.IntRange(1))
@mask_trained("scene_every", "Every Nth step is one of scenes.", kind=click.IntRange(1))
@mask_trained(
    "reader",
    "CTC recognizer that is to read --reading by the masks, repeatable: by turns.",
    metavar="NAME|PATH",
)
@mask_trained("reading", "Word lmdb with transcripts for it, repeatable.", kind=click.Path())
@mask_trained("reading_weight", "Weight of the recognizer's loss; not in the paper.", kind=click.FloatRange(0))
@mask_trained("reading_batch", "Words to be read per step.", kind=click.IntRange(1))
@mask_trained("reading_every", "Every Nth step is one of reading.", kind=click.IntRange(2))
@mask_trained("pretrained", "Weights to start from.  [default: from scratch]")
@mask_trained("gradient_checkpointing", "Less memory, more time.")
@mask_trained("tensorboard", "Curves and pictures in RUN/tensorboard.")
@mask_trained("checkpoint_every", "Steps.", kind=click.IntRange(1))
@mask_trained("evaluate_every", "Steps; 0: at the end.", kind=click.IntRange(0))
@mask_trained("output", "Run directory.", kind=click.Path())
@workers_option
@training_amp_option
@common_options()
@click.pass_context
def segmenter(context: click.Context, /, **settings: Any) -> None:
    """Train the mutually guided network, or another.

    A SPEC is KIND=PATH or KIND:SPLIT=PATH, as totaltext:train=/data/TotalText; the kinds are words and scenes (what
    segrec render writes), totaltext, icdar13-seg, warp-icdar13, textseg, coco-text, mlt, icdar15 and folder. A bare
    path is rendered data. A SPEC named twice is seen twice as often. Under torchrun, the processes share each batch.
    """
    of_plan = [option for option in context.command.params if option.name in PLAIN_PLAN] if settings["stages"] else []
    for option in of_plan:
        if context.get_parameter_source(str(option.name)) is not ParameterSource.DEFAULT:
            given = long_names(option)[0]
            raise click.UsageError(f"{given} is of the plan without stages; say it in each --stage, or leave it out")
    from segrec.jobs.train_segmenter import train_segmenter
    from segrec.training.distributed import is_main_process

    run = train_segmenter(SegmenterTraining(**settings))
    if is_main_process():
        click.echo(f"{run}: done, weights in {run / 'best.safetensors'}")

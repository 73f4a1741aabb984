"""`segrec train`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click
from click.core import ParameterSource

from segrec.cli.common import amp_option, common_options, workers_option
from segrec.cli.recognizer_options import Command, optimisation_options, peak_rate


@click.group("train")
def command() -> None:
    """Train a recognizer or the segmenter from scratch, or go on with a run."""


def recognizer_options(architecture: str, presets: Sequence[str]) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of `train crnn` and `train aster`."""
    options = [
        click.option("--data", multiple=True, required=True, type=click.Path(), help="Word lmdb, repeatable."),
        click.option(
            "--preset",
            type=click.Choice(presets),
            help=f"Size of the network; {presets[-1]} is the public one's.  [default: {presets[0]}]",
        ),
        click.option(
            "--charset",
            metavar="alnum|printable|FILE|CHARACTERS",
            help="What it learns to read; labels lose what is not in it.  [default: alnum]",
        ),
        click.option("--pretrained", help="Weights to start from.  [default: from scratch]"),
        click.option(
            "--output", type=click.Path(), default=f"runs/{architecture}", show_default=True, help="Run directory."
        ),
        optimisation_options(
            steps=10_000,
            optimizer="adamw",
            weight_decay=1e-4,
            evaluate_every=1000,
            checkpoint_every=200,
            augment=True,
        ),
    ]

    def decorate(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@command.command("crnn")
@recognizer_options("crnn", ["crnn-slim", "crnn"])
def crnn(**settings: Any) -> None:
    """Train a CRNN on word databases.

    Run again after an interruption, it goes on. Under torchrun, the processes share each batch.
    """
    _train_recognizer("crnn", **settings)


@command.command("aster")
@recognizer_options("aster", ["aster-slim", "aster"])
@click.option("--bidirectional", is_flag=True, help="Learn a second decoder too, which writes from right to left.")
@click.option(
    "--ctc-aid",
    type=click.FloatRange(0),
    default=0.5,
    show_default=True,
    help="Weight of a CTC loss that helps the encoder; not in the paper.",
)
def aster(**settings: Any) -> None:
    """Train an ASTER on word databases.

    Run again after an interruption, it goes on. Under torchrun, the processes share each batch.
    """
    _train_recognizer("aster", **settings)


def _train_recognizer(architecture: str, data: tuple[str, ...], lr: float | None, **settings: Any) -> None:
    from segrec.jobs.train_recognizer import RecognizerTraining, train_recognizer
    from segrec.training.distributed import is_main_process

    rate = peak_rate(lr, settings)
    run = train_recognizer(
        RecognizerTraining(data=list(data), architecture=architecture, learning_rate=rate, **settings)
    )
    if is_main_process():
        click.echo(f"{run}: done, weights in {run / 'best.safetensors'}")


PLAIN_PLAN = ("steps", "phase1_share", "lr", "lambda1", "lambda2", "outside", "cross_entropy")
"""Options that make up the plan of two stages and say nothing beside `--stage`."""

SUPERVISIONS = ("draw", "both", "text", "region", "region-as-text")

_EXAMPLE = "expected a table such as {name = '1a', steps = 100, lr = 1e-4}"


class StageType(click.ParamType):
    """A stage: a table of a recipe, or the same on the command line as an inline TOML table."""

    name = "TABLE"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Return the stage, or fail in words."""
        import tomllib

        from segrec.core.errors import ConfigError
        from segrec.jobs.segmenter_stages import Stage, stage_of

        if isinstance(value, Stage):
            return value
        try:
            table = tomllib.loads(f"stage = {value}")["stage"] if isinstance(value, str) else value
            if not isinstance(table, dict):
                self.fail(f"{_EXAMPLE}, got {value!r}")
            return stage_of(table)
        except tomllib.TOMLDecodeError as error:
            self.fail(f"{_EXAMPLE}, got {value!r}: {error}", parameter, context)
        except ConfigError as error:
            self.fail(str(error), parameter, context)


@command.command("segmenter")
@click.option("--words", multiple=True, metavar="SPEC", help="Pictures that are word crops, repeatable.")
@click.option("--scenes", multiple=True, metavar="SPEC", help="Pictures of which windows are cut, repeatable.")
@click.option("--valid", multiple=True, metavar="SPEC", help="Pictures whose F1 chooses best.safetensors, repeatable.")
@click.option(
    "--valid-limit", type=click.IntRange(1), default=300, show_default=True, help="Pictures of each to score."
)
@click.option(
    "--model",
    type=click.Choice(["mgnet", "cenet", "segnet", "unet", "deeplab-v3", "smanet"]),
    default="mgnet",
    show_default=True,
    help="Network: the mutually guided one, or one that the paper compares it with.",
)
@click.option(
    "--preset",
    type=click.Choice(["mgnet", "mgnet-skip", "mgnet-slim", "mgnet-slim-plain"]),
    default="mgnet-slim",
    show_default=True,
    help="Kind of mgnet; mgnet is the paper's.",
)
@click.option(
    "--width", type=click.IntRange(1), help="Channels of the first stage.  [default: the preset's, or as published]"
)
@click.option("--polygon-branch", is_flag=True, help="Give another model than mgnet a branch for polygons (Exp-2).")
@click.option("--working-height", type=click.IntRange(16), default=32, show_default=True, help="Height of word crops.")
@click.option("--word-width", type=click.IntRange(16), default=112, show_default=True, help="Width of word samples.")
@click.option("--scene-side", type=click.IntRange(16), default=160, show_default=True, help="Side of scene windows.")
@click.option(
    "--scene-zoom",
    type=float,
    nargs=2,
    metavar="LOW HIGH",
    help="Smallest and largest zoom of scene windows; a low one shows large letters small.  [default: 0.5 1.6]",
)
@click.option(
    "--stage",
    "stages",
    multiple=True,
    type=StageType(),
    help="A stage of the plan, repeatable; [[stage]] in a recipe.  [default: two, from the options below]",
)
@click.option("--steps", type=click.IntRange(1), default=2400, show_default=True, help="Optimiser steps.")
@click.option(
    "--phase1-share",
    type=click.FloatRange(0, 1),
    default=0.6,
    show_default=True,
    help="Share of the steps before the guided pass joins in.",
)
@click.option("--lr", type=float, default=2e-3, show_default=True, help="Peak learning rate.")
@click.option("--lambda1", type=click.FloatRange(0), default=10.0, show_default=True, help="Subset loss (Eq. 5).")
@click.option("--lambda2", type=click.FloatRange(0), default=0.1, show_default=True, help="Dense CRF loss (Eq. 5).")
@click.option(
    "--outside",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Weight of an empty text mask outside polygons, where they are the only truth; not in the paper.",
)
@click.option(
    "--cross-entropy",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Weight of a pixel-wise cross-entropy; not in the paper.",
)
@click.option(
    "--crf-backend",
    type=click.Choice(["nystrom", "exact", "gated"]),
    default="nystrom",
    show_default=True,
    help="How the CRF's affinity is applied.",
)
@click.option(
    "--supervision",
    type=click.Choice(SUPERVISIONS),
    default="draw",
    show_default=True,
    help="Of a picture with both masks, learn from one drawn at each visit (the paper), from both, or from one kind; "
    "region-as-text takes the region for the text (Exp-1).",
)
@click.option(
    "--word-supervision",
    type=click.Choice(SUPERVISIONS),
    help="The same for word crops.  [default: as --supervision]",
)
@click.option("--word-batch", type=click.IntRange(1), default=32, show_default=True, help="Words a step.")
@click.option("--scene-batch", type=click.IntRange(1), default=4, show_default=True, help="Scene windows a step.")
@click.option(
    "--scene-every", type=click.IntRange(1), default=4, show_default=True, help="Every Nth step is one of scenes."
)
@click.option("--pretrained", help="Weights to start from.  [default: from scratch]")
@click.option("--gradient-checkpointing", is_flag=True, help="Less memory, more time.")
@click.option("--tensorboard", is_flag=True, help="Curves and pictures in RUN/tensorboard.")
@click.option("--checkpoint-every", type=click.IntRange(1), default=100, show_default=True, help="Steps.")
@click.option("--evaluate-every", type=click.IntRange(0), default=300, show_default=True, help="Steps; 0: at the end.")
@click.option("--output", type=click.Path(), default="runs/segmenter", show_default=True, help="Run directory.")
@workers_option
@amp_option
@common_options()
@click.pass_context
def segmenter(context: click.Context, lr: float, **settings: Any) -> None:
    """Train the mutually guided network, or another.

    A SPEC is KIND=PATH or KIND:SPLIT=PATH, as totaltext:train=/data/TotalText; the kinds are words and scenes (what
    segrec render writes), totaltext, icdar13-seg, warp-icdar13, textseg, coco-text, mlt, icdar15 and folder. A bare
    path is rendered data. A SPEC named twice is seen twice as often. Under torchrun, the processes share each batch.
    """
    for name in PLAIN_PLAN if settings["stages"] else ():
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is of the plan without stages; say it in each --stage, or leave it out")
    from segrec.jobs.train_segmenter import SegmenterTraining, train_segmenter
    from segrec.training.distributed import is_main_process

    run = train_segmenter(SegmenterTraining(learning_rate=lr, **settings))
    if is_main_process():
        click.echo(f"{run}: done, weights in {run / 'best.safetensors'}")

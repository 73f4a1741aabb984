"""Options that training and fine-tuning of a recognizer share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from segrec.cli.common import amp_option, common_options, workers_option
from segrec.training.optimizers import OPTIMIZERS

Command = TypeVar("Command", bound=Callable[..., Any])

RATES = {"adam": 1e-3, "adamw": 1e-3, "adadelta": 1.0}
"""Peak learning rates where --lr is not given."""


def optimisation_options(
    *, steps: int, optimizer: str, weight_decay: float, evaluate_every: int, checkpoint_every: int, augment: bool
) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of `segrec.jobs.recognizer_fit.Optimisation`; these are the defaults."""
    natural = click.IntRange(1)
    options = [
        click.option(
            "--ratio",
            "ratios",
            multiple=True,
            type=float,
            help="Share of each --data in a batch.  [default: by size]",
        ),
        _shown("--steps", natural, steps, "Optimiser steps."),
        _shown("--batch-size", natural, 64, "Words per step."),
        click.option("--lr", type=float, help="Peak learning rate.  [default: 0.001; with adadelta 1]"),
        _shown("--optimizer", click.Choice(OPTIMIZERS), optimizer, "How gradients become steps."),
        _shown("--weight-decay", click.FloatRange(0), weight_decay, "Of weights, not of biases and normalisations."),
        _shown(
            "--schedule",
            click.Choice(["trapezoid", "onecycle"]),
            "trapezoid",
            "Learning rate: warmed up, held and brought to zero, or OneCycle.",
        ),
        click.option(
            "--ema",
            "ema_decay",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            help="Evaluate and save an average of the weights with this decay, such as 0.999.",
        ),
        click.option("--valid", type=click.Path(), help="Word lmdb whose accuracy chooses best.safetensors."),
        _shown("--valid-limit", natural, 1000, "Words of it to read."),
        _shown("--evaluate-every", click.IntRange(0), evaluate_every, "Steps between evaluations; 0: at the end."),
        click.option("--patience", type=natural, help="End after this many evaluations without a better accuracy."),
        _shown("--checkpoint-every", natural, checkpoint_every, "Steps between checkpoints."),
        _shown("--augment/--no-augment", None, augment, "Change images and masks at random."),
        workers_option,
        amp_option,
        common_options(),
    ]

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def peak_rate(lr: float | None, settings: Mapping[str, Any]) -> float:
    """Return --lr, or where it is not given what suits the optimizer."""
    return RATES[settings["optimizer"]] if lr is None else lr


def _shown(name: str, kind: Any, default: Any, text: str) -> Callable[[Command], Command]:
    return click.option(name, type=kind, default=default, show_default=True, help=text)

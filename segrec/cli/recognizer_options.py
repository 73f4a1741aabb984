"""Options that training and fine-tuning of a recognizer share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import click

from segrec.cli.common import common_options, training_amp_option, workers_option
from segrec.cli.setting import Command, setting, together
from segrec.jobs.recognizer_settings import RATES, Optimisation
from segrec.training.optimizers import OPTIMIZERS


def optimisation_options(settings: type[Optimisation]) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of `Optimisation`, with the defaults that `settings` gives them."""
    natural = click.IntRange(1)
    of = partial(setting, settings)
    return together(
        of("ratios", "Share of each --data in a batch.  [default: by size]", option="--ratio"),
        of("steps", "Optimiser steps.", kind=natural),
        of("batch_size", "Words per step.", kind=natural),
        click.option(
            "--lr",
            type=float,
            help=f"Peak learning rate.  [default: {RATES['adam']:g}; with adadelta {RATES['adadelta']:g}]",
        ),
        of("optimizer", "How gradients become steps.", kind=click.Choice(OPTIMIZERS)),
        of("weight_decay", "Of weights, not of biases and normalisations.", kind=click.FloatRange(0)),
        of("schedule", "Learning rate: warmed up, held and brought to zero, or OneCycle."),
        of(
            "ema_decay",
            "Evaluate and save an average of the weights with this decay, such as 0.999.",
            option="--ema",
            kind=click.FloatRange(0, 1, min_open=True, max_open=True),
        ),
        of("valid", "Word lmdb whose accuracy chooses best.safetensors.", kind=click.Path()),
        of("valid_limit", "Words of it to read.", kind=natural),
        of("evaluate_every", "Steps between evaluations; 0: at the end.", kind=click.IntRange(0)),
        of("patience", "End after this many evaluations without a better accuracy.", kind=natural),
        of("checkpoint_every", "Steps between checkpoints.", kind=natural),
        of("augment", "Change images and masks at random.", option="--augment/--no-augment"),
        workers_option,
        training_amp_option,
        common_options(),
    )


def peak_rate(lr: float | None, settings: Mapping[str, Any]) -> float:
    """Return --lr, or where it is not given what suits the optimizer."""
    return RATES[settings["optimizer"]] if lr is None else lr

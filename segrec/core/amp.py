"""Names of the precisions in which networks compute; loads no torch."""

from __future__ import annotations

from typing import Literal, get_args

Amp = Literal["off", "bf16", "fp16"]

TrainingAmp = Literal["off", "auto", "bf16", "fp16"]
"""What a training may be told: `auto` leaves the choice to a measurement, see `segrec.training.precision`."""

AMP_CHOICES: tuple[Amp, ...] = get_args(Amp)

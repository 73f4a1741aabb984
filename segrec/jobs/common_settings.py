"""Settings that most jobs have; each job's own settings take their defaults from here."""

from __future__ import annotations

from dataclasses import dataclass

from segrec.core.amp import Amp

DEMO = "segrec-demo"
"""The folder in which commands work when nothing is named."""


@dataclass(frozen=True, kw_only=True)
class Common:
    """How a job computes.

    Attributes:
        seed: decides all that is drawn.
        workers: processes or threads that read and prepare data.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        amp: mixed precision of the networks.
    """

    seed: int = 0
    workers: int = 1
    device: str = "auto"
    amp: Amp = "off"

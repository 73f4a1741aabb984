"""What a precomputation of masks is told, whichever engine does it."""

from __future__ import annotations

from dataclasses import dataclass

from segrec.core.amp import Amp
from segrec.jobs.common_settings import Common
from segrec.weights import SEGMENTER


@dataclass(frozen=True, kw_only=True)
class Precomputing:
    """Settings of a precomputation of masks.

    Attributes:
        segmenter: a shipped name, run directory or weights file.
        limit: only the first words.
        batch_size: crops in the network at once, enough for 16 threads; the masks do not depend on it.
        workers: threads that decode pictures ahead of the network, and encode masks.
    """

    segmenter: str = SEGMENTER
    limit: int | None = None
    batch_size: int = 256
    workers: int = Common.workers
    device: str = Common.device
    amp: Amp = Common.amp

"""Networks, losses and sizes of pictures, by the names and numbers that settings give them; loads no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

PRESETS: dict[str, dict[str, Any]] = {
    "mgnet": {"width": 64},
    "mgnet-skip": {"width": 64, "skips": True},
    "mgnet-slim": {"width": 16, "skips": True},
    "mgnet-slim-plain": {"width": 16},
}
"""Keyword arguments of `MutuallyGuidedNet` by preset: the paper's net, the same with skips, small ones for the CPU."""

Model = Literal["mgnet", "cenet", "segnet", "unet", "deeplab-v3", "smanet"]
"""The networks that can be trained: the mutually guided one, and those that the paper compares it with."""

OURS: Model = "mgnet"

Backend = Literal["nystrom", "exact", "gated"]
"""How the affinity of the dense CRF loss is applied."""

Supervision = Literal["draw", "both", "text", "region", "region-as-text"]
"""Which masks of a picture that has both are learned from: one drawn at each visit (the paper), both, or one kind.

`region-as-text` takes the region for the text (the paper's Exp-1).
"""

Pictures = Literal["words", "scenes", "height"]
"""What pictures are to a network: word crops, scenes, or by their height."""

Ties = Literal["first", "split"]
"""Who wins a picture on which several networks are equally good, see `segmenter.metrics.top1_shares`."""

Scales = Literal["auto"] | float | Sequence[float] | None
"""Sizes at which a scene enters a network, see `segmenter.predictor.TorchSegmenter`."""

TILE_SIDE = 1024
"""No run of a network sees a side longer than this, where no other is asked for."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms of `semi_supervised_loss`; the defaults are the paper's second phase (Eq. 5).

    Attributes:
        lambda1: of the subset loss, Eq. 3.
        lambda2: of the dense CRF loss, Eq. 4.
        outside: of the term outside polygons, which the paper does not have.
        crf_backend: how Eq. 4 is computed: `nystrom`, `exact` or `gated`.
        cross_entropy: of the pixel-wise binary cross-entropy beside Eq. 1, which the paper does not have.
    """

    lambda1: float = 10.0
    lambda2: float = 0.1
    outside: float = 0.0
    crf_backend: Backend = "nystrom"
    cross_entropy: float = 0.0

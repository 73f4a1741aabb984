"""What an evaluation of segmenters is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from segmenter.choices import Pictures, Scales, Ties
from segrec.core.amp import Amp
from segrec.core.files import set_listed
from segrec.jobs.common_settings import Common
from segrec.weights import SEGMENTER


@dataclass(frozen=True)
class SegmenterEvaluation:
    """Settings of an evaluation of segmenters.

    Attributes:
        data: `KIND[:SPLIT]=PATH` each, see `segrec.data.masked_images.open_masked`; one may stand for a list of one.
        segmenters: shipped name, run directory or weights file by the name it is reported under; the others are
            compared with the first.
        target: which masks to score; `both` scores each where its truth exists.
        threshold: probability from which a pixel counts; not stated in the paper.
        sweep: also score at all thresholds.
        limit: only the first images of each dataset.
        batch_size: most pictures in one run of a network.
        pictures: whether they enter the network as word crops, as scenes or by their height; None takes words for
            crops, a plain folder's pictures by their height and all other datasets for scenes.
        scales: sizes at which scenes enter the network, see `Segmenter`.
        each_pass: score the pass without guidance as well, under the name with " pass 1" behind it, and compare the
            guided one, " pass 2", with it; for a single segmenter.
        ties: who wins an image on which several segmenters are equally good, see `top1_shares`.
        rows: a .csv or .jsonl file that gets a row for each image, target and segmenter.
        curves: a picture file that gets the distributions of precision, recall and F1 (Fig. 7).
        seed: of the bootstrap.
    """

    data: Sequence[str]
    segmenters: Mapping[str, str] = field(default_factory=lambda: {SEGMENTER: SEGMENTER})
    target: Literal["text", "region", "both"] = "both"
    threshold: float = 0.5
    sweep: bool = False
    limit: int | None = None
    batch_size: int = 32
    pictures: Pictures | None = None
    scales: Scales = "auto"
    each_pass: bool = False
    ties: Ties = "first"
    rows: str | None = None
    curves: str | None = None
    seed: int = Common.seed
    device: str = Common.device
    amp: Amp = Common.amp

    def __post_init__(self) -> None:
        set_listed(self, "data")
        if isinstance(self.segmenters, str):
            object.__setattr__(self, "segmenters", {self.segmenters: self.segmenters})

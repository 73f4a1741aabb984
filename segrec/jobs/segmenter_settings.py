"""What a training of the mask network is told, and which of its settings go together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from segmenter.choices import OURS, Backend, LossWeights, Model, Supervision
from segrec.core.amp import TrainingAmp
from segrec.core.errors import ConfigError
from segrec.core.files import set_listed
from segrec.jobs.common_settings import Common
from segrec.jobs.segmenter_stages import Stage, one_stage, two_stages


@dataclass(frozen=True)
class SegmenterTraining:
    """Settings of a segmenter's training.

    Attributes:
        words: specs, see `open_masked`, of pictures that are word crops; a bare path is of rendered words. One spec
            may stand for a list of one, here and in `scenes` and `valid`.
        scenes: specs of pictures of which windows are cut; a bare path is of rendered scenes.
        output: the run directory.
        valid: specs of pictures whose mean F1 chooses `best.safetensors`; a bare path is of rendered words.
        valid_limit: most pictures of each.
        model: `mgnet`, the mutually guided network, or one that the paper compares it with, see `Model`.
        preset: of the mutually guided network: `mgnet`, `mgnet-skip` or `mgnet-slim`.
        width: channels of the first stage; None takes that of `pretrained`, the preset's, or the published network's.
            A narrower `pretrained` is enlarged, see `enlarged`.
        polygon_branch: give a network that knows text alone a branch for polygons, the paper's Exp-2.
        working_height: height of word crops, a multiple of 16.
        word_width, scene_side: sizes of the training windows, multiples of 16.
        scene_zoom: smallest and largest zoom of scene windows over the scene's own pixels, drawn log-uniformly; None is
            0.5 and 1.6. A low one shows large letters small: 0.15 fits 1,067 pixels into a window of 160.
        word_batch, scene_batch: pictures per step.
        scene_every: where there are words and scenes, one of this many steps is one of scenes.
        supervision: `draw` takes one mask of a picture that has both, as the paper does; `both` takes both, `text` or
            `region` that mask alone; `region-as-text` takes the region for the text. A stage may have its own.
        word_supervision: the same for word crops; None takes `supervision`.
        stages: the plan; without one, `steps`, `phase1_share`, `learning_rate` and the weights say it.
        steps: steps in all.
        phase1_share: share of the steps before the guided pass, the subset and the CRF loss join in (Section III.B.2).
        learning_rate: peak of Adam's rate.
        lambda1: weight of the subset loss, Eq. 5.
        lambda2: weight of the dense CRF loss, Eq. 5.
        outside: weight of the empty-text term outside polygons, which the paper does not have.
        cross_entropy: weight of the pixel-wise cross-entropy, which the paper does not have.
        crf_backend: `nystrom`, `exact` or `gated`.
        reader: CTC recognizers, frozen, that are to read `reading` better by the masks, by turns: shipped names, run
            directories or files. One without a mask channel reads the masks alone. Not in the paper.
        reading: word databases with transcripts for it; they need no masks.
        reading_weight: of its loss, see `ReadingLoss`.
        reading_batch: words per step that are segmented and read.
        reading_every: every Nth step is one of these.
        pretrained: weights to start from: shipped name, run directory or file; None starts from scratch.
        gradient_checkpointing: compute maps a second time in the backward pass instead of keeping them in memory.
        tensorboard: write curves and pictures to `tensorboard/` in the run directory.
    """

    words: Sequence[str] = ()
    scenes: Sequence[str] = ()
    output: str = "runs/segmenter"
    valid: Sequence[str] = ()
    valid_limit: int = 300
    model: Model = OURS
    preset: str = "mgnet-slim"
    width: int | None = None
    polygon_branch: bool = False
    working_height: int = 32
    word_width: int = 112
    scene_side: int = 160
    scene_zoom: tuple[float, float] | None = None
    word_batch: int = 32
    scene_batch: int = 4
    scene_every: int = 4
    supervision: Supervision = "draw"
    word_supervision: Supervision | None = None
    stages: Sequence[Stage] = ()
    steps: int = 2400
    phase1_share: float = 0.6
    learning_rate: float = 2e-3
    lambda1: float = LossWeights.lambda1
    lambda2: float = LossWeights.lambda2
    outside: float = LossWeights.outside
    cross_entropy: float = LossWeights.cross_entropy
    crf_backend: Backend = LossWeights.crf_backend
    reader: Sequence[str] = ()
    reading: Sequence[str] = ()
    reading_weight: float = 0.02
    reading_batch: int = 32
    reading_every: int = 2
    pretrained: str | None = None
    seed: int = Common.seed
    workers: int = Common.workers
    checkpoint_every: int = 100
    evaluate_every: int = 300
    device: str = Common.device
    amp: TrainingAmp = Common.amp
    gradient_checkpointing: bool = False
    tensorboard: bool = False

    def __post_init__(self) -> None:
        set_listed(self, "words", "scenes", "valid", "reader", "reading")
        if bool(self.reader) != bool(self.reading):
            raise ConfigError("--reader and --reading go together: a recognizer, and words with transcripts for it")
        if not 0 <= self.reading_weight < math.inf or self.reading_every < 2:
            raise ConfigError("--reading-weight must not be negative nor infinite, and --reading-every at least 2")

    def plan(self) -> list[Stage]:
        """Return the stages."""
        if self.stages:
            return list(self.stages)
        if self.model != OURS:
            return [one_stage(self.steps, self.learning_rate, cross_entropy=self.cross_entropy)]
        weights = LossWeights(self.lambda1, self.lambda2, self.outside, cross_entropy=self.cross_entropy)
        return two_stages(self.steps, self.phase1_share, self.learning_rate, weights)


def check_model(settings: SegmenterTraining) -> None:
    """Refuse a network that cannot be trained, or not by this plan.

    Raises:
        ConfigError: it has nothing to learn, no guided pass, or maps that are not computed again.
    """
    if settings.model not in get_args(Model):
        raise ConfigError(f"--model takes {', '.join(get_args(Model))}, got {settings.model!r}")
    if settings.model == OURS:
        return
    if settings.gradient_checkpointing:
        raise ConfigError(f"--gradient-checkpointing is for {OURS}; leave it out with {settings.model}")
    for stage in settings.plan():
        if stage.phases > 1 or stage.lambda1 or stage.lambda2:
            raise ConfigError(
                f"stage {stage.name}: {settings.model} has no guided pass and learns from masks alone; "
                "set phases = 1, lambda1 = 0 and lambda2 = 0"
            )

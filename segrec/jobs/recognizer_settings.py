"""What a training of a recognizer is told: what every one needs, and what one from scratch does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

from segrec.core.amp import TrainingAmp
from segrec.core.files import set_listed
from segrec.jobs.common_settings import Common
from segrec.training.schedule import LoopSettings

RATES = {"adam": 1e-3, "adamw": 1e-3, "adadelta": 1.0}
"""Peak learning rates that suit the optimizers."""


@dataclass(frozen=True, kw_only=True)
class Optimisation:
    """Settings that every training of a recognizer has.

    Attributes:
        ratios: shares of each batch that the word databases get, in their order; without, all words are seen equally
            often.
        steps, batch_size: length, and words per step, of all processes together.
        learning_rate: the peak.
        optimizer: `adam`, `adamw` or `adadelta`, which wants a learning rate near 1.
        weight_decay: of the optimizer.
        schedule: `trapezoid` (warmed up, held, brought to zero) or `onecycle`.
        ema_decay: of the average of the weights that is evaluated and saved; None takes the weights as they are.
        patience: evaluations without a better score after which the training ends; None goes through all steps.
        valid: word database for the evaluations that choose `best.safetensors`; None keeps the last weights.
        valid_limit: words of `valid` that are read each time; None reads all.
        evaluate_every: steps between evaluations; 0 evaluates only at the end.
        checkpoint_every: steps between checkpoints.
        augment: change images and masks at random.
        seed: decides weights, order and augmentation.
    """

    WARMUP_STEPS: ClassVar[int] = 500

    ratios: Sequence[float] = ()
    steps: int = 10_000
    batch_size: int = 64
    learning_rate: float = RATES["adamw"]
    optimizer: str = "adamw"
    weight_decay: float = 1e-4
    schedule: Literal["trapezoid", "onecycle"] = "trapezoid"
    ema_decay: float | None = None
    patience: int | None = None
    valid: str | None = None
    valid_limit: int | None = 1000
    evaluate_every: int = 1000
    checkpoint_every: int = 200
    augment: bool = True
    seed: int = Common.seed
    workers: int = Common.workers
    device: str = Common.device
    amp: TrainingAmp = Common.amp

    def loop(self) -> LoopSettings:
        """Return what the loop is told.

        Raises:
            ConfigError: values that make no training.
        """
        return LoopSettings(
            steps=self.steps,
            learning_rate=self.learning_rate,
            warmup_steps=min(self.WARMUP_STEPS, self.steps // 10),
            checkpoint_every=self.checkpoint_every,
            evaluate_every=self.evaluate_every,
            schedule=self.schedule,
            ema_decay=self.ema_decay,
            patience=self.patience,
        )


@dataclass(frozen=True)
class RecognizerTraining(Optimisation):
    """Settings of a training from scratch; those of `Optimisation` come with it.

    Attributes:
        data: word databases; one path may stand for a list of one.
        output: the run directory.
        architecture: `crnn` or `aster`.
        preset: size of the network; None takes the slim one, or what `pretrained` has.
        charset: `alnum`, `printable`, a file or the characters themselves; None takes alnum, or what `pretrained` has.
        pretrained: weights to start from: shipped name, run directory or file; None starts from scratch.
        bidirectional: for aster, a second decoder that writes from right to left.
        ctc_weight: for aster, weight of a CTC loss that helps its encoder to learn, see `recognizers.training`.
    """

    data: Sequence[str]
    output: str
    _: KW_ONLY
    architecture: str = "crnn"
    preset: str | None = None
    charset: str | None = None
    pretrained: str | None = None
    bidirectional: bool = False
    ctc_weight: float = 0.5

    def __post_init__(self) -> None:
        set_listed(self, "data")
